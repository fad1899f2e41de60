import type { Caller } from '../../app/caller.js';
import type { Screen, WatchScreen } from '../../app/watch-screen.js';
import { isProblem } from '../../domain/problem.js';
import type { SessionId } from '../../domain/session/session.js';
import type { SocketConnection } from './socket.connection.js';
import { farewell } from './socket.farewells.js';
import type { RelayDeps } from './terminal.relay.js';
import { faultOf } from './terminal.relay.js';

/** Shows a client what is shown in a session, until one of them is done. Never throws. */
export async function relayScreen(
  deps: RelayDeps & { readonly watching: WatchScreen },
  connection: SocketConnection,
  { caller, session }: { readonly caller: Caller; readonly session: SessionId },
): Promise<void> {
  let screen: Screen | undefined;
  try {
    const found = await deps.watching.watch(caller, session);
    if (isProblem(found)) return connection.refuse(found);
    screen = found;
    await show(connection, screen, session);
    if (!connection.signal.aborted) connection.end(farewell(await screen.ended, deps.settings));
  } catch (error) {
    connection.refuse(faultOf(deps, error, session));
  } finally {
    await screen?.leave().catch((error: unknown) => {
      deps.journal.error({ err: error, session }, 'it was not written that somebody left');
    });
  }
}

async function show(
  connection: SocketConnection,
  screen: Screen,
  session: SessionId,
): Promise<void> {
  const leave = () => void screen.leave().catch(() => undefined);
  if (connection.signal.aborted) return;
  connection.signal.addEventListener('abort', leave, { once: true });
  await connection.tell({ type: 'open', session });
  // A watcher says nothing; what comes is dropped, so that the end of the connection is seen.
  void drop(connection);
  for await (const { recording, line } of screen.lines) {
    if (connection.signal.aborted) return;
    await connection.tell({ type: 'line', recording, line });
  }
}

async function drop(connection: SocketConnection): Promise<void> {
  while ((await connection.inbox.next()) !== undefined);
}
