import { Command, CommanderError } from 'commander';
import { auditCommands } from './audit.commands.js';
import { channelCommands } from './channel.commands.js';
import { clusterCommand } from './cluster.commands.js';
import type { CommandDeps } from './client.command.js';
import type { ClientWorld } from './client.world.js';
import { CommandFailure } from './command.failure.js';
import { completionCommand } from './completion.command.js';
import { connectCommand, debugCommand } from './debug.command.js';
import { decideCommands } from './decide.commands.js';
import type { DoctorCommandDeps } from './doctor.command.js';
import { doctorCommand } from './doctor.command.js';
import type { ExitCode } from './exit.codes.js';
import { EXIT, EXIT_WORDS } from './exit.codes.js';
import { kubeCommands } from './kube.commands.js';
import type { EvidenceTools } from './evidence.commands.js';
import type { PolicyCommandDeps } from './policy.commands.js';
import { policyCommands } from './policy.commands.js';
import { recordingCommands } from './recording.commands.js';
import { complain } from './screen.js';
import { sessionCommands } from './session.commands.js';
import { signInCommands } from './sign-in.commands.js';
import { slackCommands } from './slack.commands.js';
import { watchCommand } from './watch.command.js';
import { unwritten } from './unwritten.js';

/** What all commands together need. */
export interface ProgramDeps extends PolicyCommandDeps {
  readonly version: string;
  /** Made when the first command of a client runs. */
  readonly world: () => ClientWorld;
  readonly evidence: () => Promise<EvidenceTools>;
  readonly examine: DoctorCommandDeps['examine'];
}

const EXIT_TEXT = `
Exit codes:
${EXIT_WORDS.map(([code, words]) => `  ${code.padEnd(9)}${words.replaceAll('`', '')}`).join('\n')}`;

/** All commands of `hallpass`. `done` is told what the chosen one ends with; `after` is what follows `--`. */
export function hallpassProgram(
  deps: ProgramDeps,
  done: (code: ExitCode) => void,
  after: readonly string[] = [],
): Command {
  const { screen } = deps;
  const program = new Command('hallpass')
    .description('Governed, time-boxed debug access to running Kubernetes Pods')
    .version(deps.version)
    .addHelpText('after', EXIT_TEXT);
  const clients: CommandDeps = { world: deps.world, done, after };
  const say = (text: string): Promise<void> => screen.out(text);
  const commands = [
    ...signInCommands(clients),
    debugCommand(clients),
    connectCommand(clients),
    ...sessionCommands(clients),
    ...decideCommands(clients),
    watchCommand(clients),
    recordingCommands(clients),
    ...kubeCommands(clients),
    auditCommands(clients, deps.evidence),
    clusterCommand(clients),
    channelCommands(clients),
    slackCommands(clients),
    policyCommands(deps, done),
    doctorCommand({ ...deps, output: () => deps.world().output }, done),
    completionCommand({ ...clients, say }, () => program),
  ];
  for (const command of commands) program.addCommand(command);
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

/** The commands after whose `--` stands another command, which is not ours to read. */
const RUNNERS: ReadonlySet<string> = new Set(['debug', 'connect']);

/** Runs the command that the arguments name. @returns what the process should end with. */
export async function runHallpass(deps: ProgramDeps, args: readonly string[]): Promise<ExitCode> {
  let code: ExitCode = EXIT.ok;
  const at = RUNNERS.has(args[0] ?? '') ? args.indexOf('--') : -1;
  const [ours, after] = at < 0 ? [args, []] : [args.slice(0, at), args.slice(at + 1)];
  const program = hallpassProgram(
    deps,
    (ended) => {
      code = ended;
    },
    after,
  );
  try {
    await program.parseAsync([...ours], { from: 'user' });
  } catch (error) {
    if (error instanceof CommandFailure) {
      complain(deps.screen, error.message);
      return error.exit;
    }
    const noRoom = unwritten(error);
    if (noRoom !== undefined) {
      complain(deps.screen, noRoom);
      return EXIT.trouble;
    }
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
