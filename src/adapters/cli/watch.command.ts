import { Command } from 'commander';
import { castEvent, castHeader } from './cast.events.js';
import type { ClientOptions, CommandDeps, Running } from './client.command.js';
import { acting, clientCommand } from './client.command.js';
import { CommandFailure } from './command.failure.js';
import type { ExitCode } from './exit.codes.js';
import { EXIT, exitOfSignal } from './exit.codes.js';
import { writeBytes } from './output.writer.js';
import { ScreenModes } from './screen.modes.js';
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
  const { world } = running;
  const modes = new ScreenModes();
  let shown: string | undefined;
  const show = (recording: string, line: string): Promise<void> | undefined => {
    const header = castHeader(line);
    if (header) running.tell(`[hallpass] ${recording}: ${header.title} ${header.size}`);
    const event = castEvent(line);
    if (event?.code === 'x') running.tell(`[hallpass] ${recording}: ended with ${event.data}`);
    if (event?.code !== 'o') return undefined;
    // Several terminals may be open in one session: say whose turn it is.
    if (shown !== undefined && shown !== recording) running.tell(`[hallpass] ${recording}:`);
    shown = recording;
    const bytes = Buffer.from(event.data);
    modes.see(bytes);
    return writeBytes(world.output, bytes);
  };
  const connection = await TerminalConnection.open(
    await running.broker(),
    { session, kind: 'watch', version: world.version },
    {
      output: () => undefined,
      message: (message) => {
        if (message.type === 'open') {
          running.tell(
            `[hallpass] You are watching ${session}, and those in it are told so. Ctrl-C leaves.`,
          );
        }
        return message.type === 'line' ? show(message.recording, message.line) : undefined;
      },
    },
  );
  let ending: ExitCode | undefined;
  const stopListening = world.signals.listen((signal) => {
    ending = exitOfSignal(signal);
    connection.leave();
  });
  const outcome = outcomeOf(session, await connection.ended);
  stopListening();
  await writeBytes(world.output, modes.reset());
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
