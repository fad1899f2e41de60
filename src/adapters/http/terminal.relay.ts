import type { EnterSession, Entry, OpenStream } from '../../app/enter-session.js';
import type { Caller } from '../../app/caller.js';
import { pause } from '../../app/pause.js';
import { Journal } from '../../app/ports/journal.js';
import { CHANNELS, ClientMessage, OtherMessage } from '../../contract/terminal.schema.js';
import type { Problem } from '../../domain/problem.js';
import { isProblem, problem } from '../../domain/problem.js';
import { DatabaseOutage } from './database.outage.js';
import type { SocketConnection } from './socket.connection.js';
import { farewell } from './socket.farewells.js';
import type { Incoming } from './socket.inbox.js';
import type { SocketSettings } from './socket.settings.js';

/** How long the last output and notices may take, once the end is known. */
const LAST_WORDS_MILLISECONDS = 300;

/** What a relay needs. */
export interface RelayDeps {
  readonly journal: Journal;
  readonly outage: DatabaseOutage;
  readonly settings: SocketSettings;
}

/** Connects a client with the container, in both directions, until one of them is done. Never throws. */
export async function relayTerminal(
  deps: RelayDeps & { readonly enter: EnterSession },
  connection: SocketConnection,
  { caller, entry }: { readonly caller: Caller; readonly entry: Entry },
): Promise<void> {
  let stream: OpenStream | undefined;
  try {
    const opened = await deps.enter.enter(caller, entry, connection.signal);
    if (isProblem(opened)) {
      if (opened.problem !== 'replica-stopping') return connection.refuse(opened);
      return connection.end(farewell({ kind: 'shutdown' }, deps.settings));
    }
    stream = opened;
    await relay(deps, connection, { stream, session: entry.session });
  } catch (error) {
    connection.refuse(faultOf(deps, error, entry.session));
  } finally {
    stream?.leave();
  }
}

/** A fault as the client is told of it; what it was is in the log. */
export function faultOf({ journal, outage }: RelayDeps, error: unknown, session: string): Problem {
  if (outage.is(error)) {
    journal.warn({ err: error, session }, 'a connection was cut: the database does not answer');
    return problem('database-unavailable', 'Connect again in a while.');
  }
  journal.error({ err: error, session }, 'a connection failed');
  return problem('internal', `It is in the log under the session ${session}.`);
}

async function relay(
  { settings }: RelayDeps,
  connection: SocketConnection,
  { stream, session }: { readonly stream: OpenStream; readonly session: string },
): Promise<void> {
  const leave = () => stream.leave();
  if (connection.signal.aborted) return leave();
  connection.signal.addEventListener('abort', leave, { once: true });
  await connection.tell({ type: 'open', session, recording: stream.recording });
  const notices = tellNotices(connection, stream);
  // Whatever happens to it: the stream is left, and ends.
  const input = passInput(connection, stream).catch(() => stream.leave());
  const output = showOutput(connection, stream);
  const over = Promise.all([output, notices]);
  const end = await Promise.race([stream.ended, over.then(() => stream.ended)]);
  await (end.kind === 'exited' || end.kind === 'lost' ? output : atMost(over));
  await atMost(notices);
  connection.end(farewell(end, settings));
  await input;
}

async function showOutput(connection: SocketConnection, stream: OpenStream): Promise<void> {
  for await (const { stream: name, data } of stream.output) {
    if (connection.signal.aborted) return;
    await connection.send(CHANNELS[name], data);
  }
}

async function tellNotices(connection: SocketConnection, stream: OpenStream): Promise<void> {
  for await (const { kind, text } of stream.notices) {
    if (connection.signal.aborted) return;
    await connection.tell({ type: 'notice', kind, text });
  }
}

async function passInput(connection: SocketConnection, stream: OpenStream): Promise<void> {
  for (;;) {
    const incoming = await connection.inbox.next();
    if (incoming === undefined) return;
    await pass(connection, stream, incoming);
  }
}

async function pass(
  connection: SocketConnection,
  stream: OpenStream,
  incoming: Incoming,
): Promise<void> {
  if (incoming.kind === 'input') await stream.write(incoming.data);
  else if (incoming.kind === 'close-input') await stream.closeInput();
  else if (incoming.kind === 'unknown') refuse(connection, 'A message on an unknown channel came.');
  else {
    const said = parsed(incoming.text);
    const message = ClientMessage.safeParse(said);
    if (message.success) await stream.resize(message.data);
    else if (!OtherMessage.safeParse(said).success || isKnown(said))
      refuse(connection, 'A text message was not understood.');
  }
}

function refuse(connection: SocketConnection, detail: string): void {
  connection.refuse(problem('invalid-request', `${detail} See docs/terminal.md.`));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Whether it is of a type of this version, which then was not as it should be. */
function isKnown(said: unknown): boolean {
  const { data } = OtherMessage.safeParse(said);
  return ClientMessage.options.some(({ shape }) => shape.type.value === data?.type);
}

async function atMost(waited: Promise<unknown>): Promise<void> {
  const late = new AbortController();
  await Promise.race([waited, pause(LAST_WORDS_MILLISECONDS, late.signal)]);
  late.abort();
}
