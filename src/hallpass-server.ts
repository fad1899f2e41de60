import packageJson from '../package.json' with { type: 'json' };
import { nearestName } from './domain/nearest.name.js';

/** A command of `hallpass-server`. */
interface ServerCommand {
  /** What it does, in a few words. */
  readonly does: string;
  /** Runs it with what follows its name. @returns what the process should end with; each tells its own with --help. */
  readonly run: (args: readonly string[]) => Promise<number>;
}

/** What the one program of the image can do. Each is loaded when it is asked for: a migration needs no cluster's client. */
const COMMANDS: Readonly<Record<string, ServerCommand>> = {
  serve: {
    does: 'serve, until TERM or INT',
    run: async (args) => (await import('./serve.js')).serve(args),
  },
  migrate: {
    does: 'bring the database to the schema of this program',
    run: async (args) => (await import('./migrate.js')).runMigrate(args),
  },
  verify: {
    does: 'verify an audit log that was taken out, offline (`hallpass audit verify`)',
    run: async (args) => (await import('./hallpass.js')).runClient(['audit', 'verify', ...args]),
  },
  doctor: {
    does: 'check what it may do, who could go past it, and all that it needs (`hallpass doctor`)',
    run: async (args) => (await import('./hallpass.js')).runClient(['doctor', ...args]),
  },
};

const WIDTH = Math.max(...Object.keys(COMMANDS).map((name) => name.length)) + 2;

const HELP = `Usage: hallpass-server COMMAND [options]

${Object.entries(COMMANDS)
  .map(([name, { does }]) => `  ${name.padEnd(WIDTH)}${does}`)
  .join('\n')}

  hallpass-server COMMAND --help   says more, with its exit codes
  hallpass-server --version        says which one this is

The variable HALLPASS_CONFIG names the configuration file.`;

/** As `EXIT.trouble` of the command line: wrong use. */
const WRONG_USE = 2;

/** Runs the command that the arguments name. @returns what the process should end with. */
export async function runServer(args: readonly string[]): Promise<number> {
  const [name = '', ...rest] = args;
  if (name === '--help' || name === '-h' || name === 'help') return say(HELP);
  if (name === '--version') return say(packageJson.version);
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command) return command.run(rest);
  const nearest = nearestName(name, Object.keys(COMMANDS));
  const what = name === '' ? 'No command is given' : `There is no command ${name}`;
  const meant = nearest === undefined ? '' : `: did you mean ${nearest}?`;
  process.stderr.write(`${what}${meant || '.'} (see hallpass-server --help)\n`);
  return WRONG_USE;
}

function say(text: string): number {
  process.stdout.write(`${text}\n`);
  return 0;
}
