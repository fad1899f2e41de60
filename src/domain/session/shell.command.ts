import type { DebugProfile, Multiplexer } from '../policy/policy.js';

/** How a multiplexer attaches to the session's kept shell, or makes it. `$0` is the shell. */
const ATTACH: Readonly<Record<Multiplexer, string>> = {
  none: '',
  tmux: 'command -v tmux >/dev/null 2>&1 && tmux -u -L hallpass new-session -A -s hallpass "$0" && exit 0;',
  screen: 'command -v screen >/dev/null 2>&1 && screen -U -s "$0" -xRR -S hallpass && exit 0;',
};

/**
 * The command of a terminal: the profile's shell, in its multiplexer where the image has one that works. An exec brings
 * no environment, so the shell sets what a terminal needs.
 */
export function shellCommand(
  { shell, multiplexer }: Pick<DebugProfile, 'shell' | 'multiplexer'>,
  tty: boolean,
): string[] {
  // Without a terminal there is nothing to keep: the shell reads commands.
  if (!tty) return [shell];
  const script = `TERM=xterm-256color; export TERM; ${ATTACH[multiplexer]} exec "$0"`;
  return [shell, '-c', script, shell];
}
