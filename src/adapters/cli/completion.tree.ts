import type { Command } from 'commander';

/** A command as completions see it: its words, what may follow, and its options. */
export interface CompletionNode {
  readonly name: string;
  readonly description: string;
  readonly options: readonly CompletionOption[];
  readonly below: readonly CompletionNode[];
}

export interface CompletionOption {
  /** As they are typed: `-o` and `--output`. */
  readonly flags: readonly string[];
  readonly description: string;
  readonly takesValue: boolean;
  /** Whether the value is a file or a folder. */
  readonly takesFile: boolean;
  readonly choices: readonly string[];
}

/** The commands as they are defined, by every name that they have; those that are hidden are left out. */
export function completionTree(command: Command): CompletionNode {
  const help = command.createHelp();
  const standard = command.commands.find((it) => isDefault(command, it));
  const options = [command, ...(standard ? [standard] : [])].flatMap((it) =>
    help.visibleOptions(it).map((option) => ({
      flags: [option.short, option.long].filter((flag) => flag !== undefined),
      description: option.description,
      takesValue: option.required || option.optional,
      takesFile: /[<[](?:file|folder)/.test(option.flags),
      choices: option.argChoices ?? [],
    })),
  );
  return {
    name: command.name(),
    description: command.description(),
    options: options.filter(
      ({ flags }, index) => options.findIndex((it) => it.flags.join() === flags.join()) === index,
    ),
    below: help
      .visibleCommands(command)
      .filter((it) => it.name() !== 'help')
      .flatMap((it) =>
        [it.name(), ...it.aliases()].map((name) => ({ ...completionTree(it), name })),
      ),
  };
}

/** The one that runs where no other is named is called `list` here. */
function isDefault(command: Command, below: Command): boolean {
  return below.name() === 'list' && command.name() === 'sessions';
}

/** Every command with the words that lead to it, its own name first. */
export function walk(
  node: CompletionNode,
  path: readonly string[] = [node.name],
): { readonly path: readonly string[]; readonly node: CompletionNode }[] {
  return [{ path, node }, ...node.below.flatMap((below) => walk(below, [...path, below.name]))];
}
