import type { Command } from 'commander';
import { hallpassProgram } from '../src/adapters/cli/hallpass.program.js';

const INTRODUCTION = `# The command line

<!-- Made by \`npm run docs\` from src/adapters/cli: change it there. -->

\`hallpass\` comes with the package; in a clone it is \`npm run --silent hallpass -- …\` after \`npm run build\`. Results go to
standard output and complaints, a sentence each, to standard error.

| exit code | what                                                                                  |
| --------- | ------------------------------------------------------------------------------------- |
| 0         | done, and nothing was found                                                           |
| 1         | found what was looked for: errors in documents, failed tests, decisions that would change |
| 2         | wrong use, or input that cannot be read                                               |`;

/** Makes nothing of what commands do: only their definitions are read. */
const UNUSED = () => Promise.reject(new Error('a document runs no commands'));

/** `docs/cli.md`: every command with its arguments and options. */
export function cliDocument(): string {
  const program = hallpassProgram(
    {
      version: '',
      screen: { out: () => Promise.resolve(), err: () => undefined },
      now: () => new Date(0),
      loadPolicies: UNUSED,
      loadTests: UNUSED,
      readFile: UNUSED,
      diff: UNUSED,
    },
    () => undefined,
  );
  return [INTRODUCTION, ...leaves(program, 'hallpass')].join('\n\n');
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
