import { Command } from 'commander';
import { castEvent, castHeader } from './cast.events.js';
import type { ClientOptions, CommandDeps, Running } from './client.command.js';
import { acting, clientCommand } from './client.command.js';
import { CommandFailure } from './command.failure.js';
import type { ExitCode } from './exit.codes.js';
import { EXIT } from './exit.codes.js';
import { OnlookerScreen } from './onlooker.screen.js';
import { TerminalConnection } from './terminal.connection.js';
import { outcomeOf } from './terminal.outcome.js';

/** `hallpass watch`: what is shown in somebody's session, as it is shown. */
export function watchCommand(deps: CommandDeps): Command {
  return clientCommand(new Command('watch'))
    .description("watch somebody's session live; they are told that you do")
    .argument('<id>', 'the session')
    .action(acting<ClientOptions, [string]>(deps, runWatch));
}

async function runWatch(running: Running, session: string): Promise<ExitCode> {
  const { outcome, ending } = await watched(running, session);
  if (ending !== undefined) return ending;
  if (outcome.kind === 'failed') throw outcome.failure;
  if (outcome.kind === 'again') {
    throw new CommandFailure(
      EXIT.unreachable,
      `${outcome.says} Watch again with: hallpass watch ${session}`,
    );
  }
  running.tell(`[hallpass] ${outcome.says ?? 'The session is over.'}`);
  return EXIT.ok;
}

/** Shows it until it is over or somebody leaves. */
async function watched(running: Running, session: string) {
  const leaving = Promise.withResolvers<undefined>();
  const broker = await running.broker();
  using screen = new OnlookerScreen(running, () => leaving.resolve(undefined));
  let shown: string | undefined;
  const show = (recording: string, line: string): Promise<void> | undefined => {
    const who = `${recording}: `;
    const header = castHeader(line);
    if (header) screen.header(recording, header, who);
    const event = castEvent(line);
    if (!event) return undefined;
    // Several terminals may be open in one session: say whose turn it is.
    if (event.code === 'o' && shown !== recording) {
      if (shown !== undefined) screen.notice(who);
      shown = recording;
    }
    return screen.event(recording, event, who);
  };
  const connection = await TerminalConnection.open(
    broker,
    { session, kind: 'watch', version: running.world.version },
    {
      output: () => undefined,
      message: (message) => {
        if (message.type === 'open') {
          screen.notice(
            `You are watching ${session}, and those in it are told so. Ctrl-C or q leaves.`,
          );
        }
        return message.type === 'line' ? show(message.recording, message.line) : undefined;
      },
    },
  );
  void leaving.promise.then(() => connection.leave());
  const outcome = outcomeOf(session, await connection.ended);
  return { outcome, ending: screen.ending };
}
