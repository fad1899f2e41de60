import packageJson from '../package.json' with { type: 'json' };
import type { ExitCode } from './adapters/cli/exit.codes.js';
import { EXIT, exitOfSignal, SIGNALS } from './adapters/cli/exit.codes.js';
import { nodeWorld } from './adapters/cli/node.world.js';
import { runHallpass } from './adapters/cli/hallpass.program.js';
import { unwritten } from './adapters/cli/unwritten.js';
import type { Screen } from './adapters/cli/screen.js';
import { readClientEnvironment } from './config/client.environment.js';

const SCREEN: Screen = {
  out: (text) =>
    new Promise((resolve) => {
      process.stdout.write(text, (error) => {
        if (error) gone(error);
        resolve();
      });
    }),
  err: (text) => void process.stderr.write(text),
};

/** Whoever reads us may have read enough, as `head` does. What we did is not done then, as for everybody in a pipe. */
function gone(error: Error): void {
  if ('code' in error && error.code === 'EPIPE') process.exit(exitOfSignal(SIGNALS.pipe));
  const noRoom = unwritten(error);
  if (noRoom === undefined) throw error;
  process.stderr.write(`${noRoom}\n`);
  process.exit(EXIT.trouble);
}

/** Whoever has kubectl ask for a token does not wait until the database's client is loaded. */
const policyTools = () => import('./policy.tools.js');

/** Runs a command of `hallpass` in this process. @returns what the process should end with. */
export function runClient(args: readonly string[]): Promise<ExitCode> {
  process.stdout.on('error', gone);
  return runHallpass(
    {
      version: packageJson.version,
      screen: SCREEN,
      world: () =>
        nodeWorld({ version: packageJson.version, screen: SCREEN, env: readClientEnvironment() }),
      now: () => new Date(),
      loadPolicies: async (folders) => (await policyTools()).loadPolicies(folders),
      loadTests: async (from) => (await policyTools()).loadPolicyTests(from),
      readFile: async (path) => (await policyTools()).readYamlFile(path),
      evidence: async () => (await import('./evidence.tools.js')).evidenceTools,
      examine: async (args) => (await import('./doctor.js')).examineAll(args),
      diff: async (args) => (await policyTools()).diffPolicies(args),
    },
    args,
  );
}
