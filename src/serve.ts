import { makeLogger } from './adapters/log/pino.journal.js';
import type { LogSettings } from './adapters/log/pino.journal.js';
import { isStartRefusal, startBroker } from './broker.js';
import { configProblemText, isConfigProblem } from './config/config.problem.js';
import { loadConfig } from './config/load.config.js';

const BUG = 1;
/** Stopped, and not done when its grace was over. */
const LATE = 1;

const HELP = `Serves until TERM or INT: finishes the requests under way then, has people in terminals move to another replica, and leaves sessions to run in their clusters.

  hallpass-server serve

Takes no arguments: the variable HALLPASS_CONFIG names the configuration file, and other variables go over it.

Exit codes: 0 stopped by a signal, 1 a bug, or stopped and not done in its grace, 2 wrong arguments, configuration or documents, no fit database, or a taken port.`;

/** Serves. @returns what the process should end with, as the help says; a bug is thrown. */
export async function serve(args: readonly string[]): Promise<number> {
  if (args.some((arg) => arg === '--help' || arg === '-h')) {
    process.stdout.write(`${HELP}\n`);
    return 0;
  }
  if (args.length > 0)
    return refuse(
      `serve takes no arguments, and was given ${args[0]}. (see hallpass-server serve --help)`,
    );
  const config = loadConfig();
  if (isConfigProblem(config)) return refuse(configProblemText(config));
  endByBugs(config.log);
  // From here on: the first process of a container is not ended by a signal that it does not listen to.
  const told = signalled();
  const broker = await Promise.race([startBroker(config), told]);
  if (broker === undefined) return process.exit(0);
  if (isStartRefusal(broker)) return refuse(broker.refused);
  await told;
  return (await broker.leave()) === 'in time' ? 0 : process.exit(LATE);
}

/** A bug ends the process as it would without us, but for the words: Node prints all that an error carries. */
function endByBugs(log: LogSettings): void {
  process.on('uncaughtException', (error) => {
    try {
      makeLogger(log).fatal({ err: error }, 'a bug ended the process');
    } finally {
      process.exit(BUG);
    }
  });
}

/** Resolves at the first TERM or INT. A second one ends the process at once, as it would without us. */
function signalled(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
  });
}

function refuse(sentences: string): number {
  process.stderr.write(`${sentences}\n`);
  return 2;
}
