const ARCHIVER = /(?:^|\/)tar$/;

/** What `kubectl cp --retries` runs by a shell, to go on where an attempt broke off; without any other command in it. */
const RESUMABLE = /^tar cf - [^|;&`$()<>\n]+ \| tail -c\+\d+$/;

/**
 * The direction of the copy that a command is, as kubectl makes copies: `tar cf - PATH` writes an archive out of the
 * container, by a shell where it may be resumed; `tar -xmf - -C PATH` takes one into it (measured:
 * test/kubernetes-1.36/kubectl, cp-from and cp-to). Undefined for any other command: what somebody reads and writes by other means is on the record as what was shown.
 */
export function copyOf(command: readonly string[]): 'download' | 'upload' | undefined {
  const [program = '', ...args] = command;
  if (args[0] === '-c' && args.length === 2 && RESUMABLE.test(args[1] ?? '')) return 'download';
  if (!ARCHIVER.test(program)) return undefined;
  const letters = modeLetters(args);
  const through = args.includes('-');
  if (through && (letters.includes('c') || args.includes('--create'))) return 'download';
  if (through && (letters.includes('x') || args.includes('--extract') || args.includes('--get'))) {
    return 'upload';
  }
  return undefined;
}

/** The letters of tar's options: of the first argument, which needs no dash, and of those that have one. */
function modeLetters(args: readonly string[]): string {
  return args
    .filter((arg, at) => (at === 0 || /^-[^-]/.test(arg)) && !arg.startsWith('--'))
    .join('');
}
