import { Command, CommanderError } from 'commander';
import type { ExitCode } from './exit.codes.js';
import { EXIT } from './exit.codes.js';
import type { PolicyCommandDeps } from './policy.commands.js';
import { policyCommands } from './policy.commands.js';

const EXIT_TEXT = `
Exit codes: 0 done, nothing found; 1 found what was looked for: errors in documents, failed tests, decisions that
would change; 2 wrong use, or input that cannot be read.`;

/** All commands of `hallpass`. `done` is told what the chosen one ends with. */
export function hallpassProgram(
  deps: PolicyCommandDeps & { readonly version: string },
  done: (code: ExitCode) => void,
): Command {
  const { screen } = deps;
  const program = new Command('hallpass')
    .description('Governed, time-boxed debug access to running Kubernetes Pods')
    .version(deps.version)
    .addHelpText('after', EXIT_TEXT);
  program.addCommand(policyCommands(deps, done));
  everyCommand(program, (command) => {
    command
      .exitOverride()
      .showSuggestionAfterError()
      .configureHelp({ helpWidth: 100, showGlobalOptions: false })
      .configureOutput({
        writeOut: (text) => void screen.out(text),
        writeErr: (text) => screen.err(text),
        outputError: (text, write) =>
          write(`${text.replace(/^error: /, '').trimEnd()} (see hallpass --help)\n`),
      });
  });
  return program;
}

/** Runs the command that the arguments name. @returns what the process should end with. */
export async function runHallpass(
  deps: PolicyCommandDeps & { readonly version: string },
  args: readonly string[],
): Promise<ExitCode> {
  let code: ExitCode = EXIT.ok;
  const program = hallpassProgram(deps, (ended) => {
    code = ended;
  });
  try {
    await program.parseAsync([...args], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? EXIT.ok : EXIT.trouble;
  }
  return code;
}

/** Visits a command and all below it. */
export function everyCommand(command: Command, visit: (command: Command) => void): void {
  visit(command);
  for (const below of command.commands) everyCommand(below, visit);
}
