import { Argument, Command } from 'commander';
import type { CommandDeps } from './client.command.js';
import type { Shell } from './completion.scripts.js';
import { completionScript, SHELLS } from './completion.scripts.js';
import { completionTree } from './completion.tree.js';
import { EXIT } from './exit.codes.js';

/** `hallpass completion`: made of the definitions of all commands. */
export function completionCommand(
  deps: CommandDeps & { readonly say: (text: string) => Promise<void> },
  root: () => Command,
): Command {
  return new Command('completion')
    .description('print what a shell reads to complete commands and options')
    .addArgument(new Argument('<shell>', 'which shell').choices(SHELLS))
    .action(async (shell: Shell) => {
      await deps.say(completionScript(shell, completionTree(root())));
      deps.done(EXIT.ok);
    });
}
