import type { Command } from 'commander';
import { EXIT_WORDS } from '../src/adapters/cli/exit.codes.js';
import { hallpassProgram } from '../src/adapters/cli/hallpass.program.js';
import { CLIENT_VARIABLES } from '../src/config/client.environment.js';

const EXAMPLES = `## Examples

\`\`\`console
$ hallpass login --server https://hallpass.example.com
$ hallpass debug deployment/checkout -n payments --for 30m --reason 'orders are stuck' --ticket INC-4711
$ hallpass debug pod/checkout-7d9f-x2x4z -n payments --reason 'heap dump' -- cat /proc/1/root/tmp/heap > heap
$ hallpass sessions --state pending
$ hallpass approve 7k2m9q4x1v8t3b6n --comment 'go ahead'
$ hallpass watch 7k2m9q4x1v8t3b6n
$ hallpass kubeconfig 7k2m9q4x1v8t3b6n --merge
$ hallpass recording search 'connection refused' --session 7k2m9q4x1v8t3b6n
$ source <(hallpass completion bash)
\`\`\``;

const INTRODUCTION = `# The command line

<!-- Made by \`npm run docs\` from src/adapters/cli: change it there. -->

\`hallpass\` comes with the package; in a clone it is \`npm run --silent hallpass -- …\` after \`npm run build\`. Results go to
standard output and complaints, a sentence each, to standard error.

| exit code | what |
| --- | --- |
${EXIT_WORDS.map(([code, words]) => `| ${code} | ${words} |`).join('\n')}

| variable | what |
| --- | --- |
${Object.entries(CLIENT_VARIABLES)
  .map(([name, what]) => `| \`${name}\` | ${what} |`)
  .join('\n')}
| \`NO_COLOR\` | no colours, whatever it says |
| \`XDG_CONFIG_HOME\` | where the folder \`hallpass\` is that tokens are kept in (default: \`~/.config\`) |
| \`TRACEPARENT\` | the trace that its calls are a part of, as W3C Trace Context has it |
| \`KUBECONFIG\` | the file that \`kubeconfig --merge\` writes to (default: \`~/.kube/config\`) |

All commands but \`policy\`, \`completion\`, \`doctor\`, \`audit verify\` and \`audit keygen\` speak to a broker. \`-o json\` and
\`-o yaml\` give what it answered, as it is in [the API](api.md); times for people are in their own zone. In a terminal, \`~.\` at the beginning of a line
leaves it. Where the connection breaks, as when a replica goes, what it reads as JSON is read again, and what has a key is asked again,
for a second; then it ends with 6. kubectl finds the program as a plugin: \`kubectl hallpass …\`.

\`watch\` and \`recording play\` show what somebody else's programs wrote. Text and sequences that draw are shown; dropped are
queries that your terminal would answer, the clipboard, titles and links, and modes of mouse and keyboard
([terminal](terminal.md#watching)). \`recording export\` writes all of it: look at that in a player and not with \`cat\`.

${EXAMPLES}`;

/** Makes nothing of what commands do: only their definitions are read. */
const UNUSED = () => Promise.reject(new Error('a document runs no commands'));

/** `docs/cli.md`: every command with its arguments and options. */
export function cliDocument(): string {
  return [INTRODUCTION, ...leaves(definedProgram(), 'hallpass')].join('\n\n');
}

/** The definitions of all commands, none of which can be run. */
export function definedProgram(): Command {
  return hallpassProgram(
    {
      version: '',
      world: () => {
        throw new Error('a document runs no commands');
      },
      screen: { out: () => Promise.resolve(), err: () => undefined },
      now: () => new Date(0),
      loadPolicies: UNUSED,
      loadTests: UNUSED,
      readFile: UNUSED,
      diff: UNUSED,
      evidence: UNUSED,
      examine: UNUSED,
    },
    () => undefined,
  );
}

function leaves(command: Command, name: string): string[] {
  const below = command.commands.filter((it) => it.name() !== 'help');
  if (below.length > 0) return below.flatMap((it) => leaves(it, `${name} ${it.name()}`));
  const help = command.createHelp();
  const rows = [
    ...command.registeredArguments.map((it) => [help.argumentTerm(it), it.description]),
    ...command.options.map((it) => [it.flags, help.optionDescription(it)]),
  ];
  return [
    `## ${name}`,
    `\`${name} ${command.usage()}\``,
    `${sentence(command.description())}.`,
    [
      '| argument or option | what |',
      '| --- | --- |',
      ...rows.map(([term = '', what = '']) => `| \`${term}\` | ${what.replaceAll('|', '\\|')} |`),
    ].join('\n'),
  ];
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
