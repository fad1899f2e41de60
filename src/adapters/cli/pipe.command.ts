import type { Running } from './client.command.js';
import { CommandFailure } from './command.failure.js';
import type { Entering } from './enter.terminal.js';
import type { ExitCode } from './exit.codes.js';
import { EXIT, exitOfSignal } from './exit.codes.js';
import { writeBytes } from './output.writer.js';
import { TerminalConnection } from './terminal.connection.js';
import { explained, outcomeOf } from './terminal.outcome.js';

/**
 * A command in the session between pipes: bytes as they are both ways, standard output and error apart, the input at its
 * end when ours is, and the command's exit code.
 */
export async function pipeCommand(
  running: Running,
  { broker, session, command }: Entering,
): Promise<ExitCode> {
  const { world } = running;
  const query = new URLSearchParams({ tty: 'false' });
  for (const part of command) query.append('command', part);
  let ending: ExitCode | undefined;
  const leaving = Promise.withResolvers<undefined>();
  // Before it is open: what runs is there a moment before we know.
  const stopListening = world.signals.listen((signal) => {
    ending = exitOfSignal(signal);
    leaving.resolve(undefined);
  });
  const opening = TerminalConnection.open(
    broker,
    { session, kind: 'terminal', query, version: world.version },
    {
      output: (channel, bytes) => writeBytes(world[channel], bytes),
      message: (message) => {
        if (message.type === 'notice') running.tell(`[hallpass] ${message.text}`);
        return undefined;
      },
    },
  );
  const connection = await Promise.race([opening, leaving.promise]);
  if (!connection) return ending ?? EXIT.ok;
  void leaving.promise.then(() => connection.leave());
  const reading = forwardInput(running, connection);
  const outcome = await explained({ broker, session }, outcomeOf(session, await connection.ended));
  reading.stop();
  stopListening();
  if (ending !== undefined) return ending;
  if (outcome.kind === 'failed') throw outcome.failure;
  if (outcome.kind === 'again') {
    throw new CommandFailure(
      EXIT.unreachable,
      `${outcome.says} What ran may still run, and is not run again: look with hallpass connect ${session}.`,
    );
  }
  if (outcome.says !== undefined) running.tell(outcome.says);
  return outcome.exit;
}

/** Sends what comes in, no faster than it is taken, and then that it is at its end. */
function forwardInput({ world: { input } }: Running, connection: TerminalConnection) {
  const typed = (bytes: Buffer): void => {
    input.pause();
    void connection.type(bytes).then((isOpen) => isOpen && input.resume());
  };
  const ended = (): void => void connection.closeInput();
  input.on('data', typed).once('end', ended);
  return {
    stop: () => {
      input.off('data', typed).off('end', ended);
      input.pause();
    },
  };
}
