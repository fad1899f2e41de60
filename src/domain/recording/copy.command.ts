const ARCHIVER = /(?:^|\/)tar$/;

/**
 * The direction of the copy that a command is, as kubectl makes copies: `tar cf - PATH` writes an archive out of the
 * container, `tar -xmf - -C PATH` takes one into it (measured: test/kubernetes-1.36/kubectl, cp-from and cp-to).
 * Undefined for any other command: what somebody reads and writes by other means is on the record as what was shown.
 */
export function copyOf(command: readonly string[]): 'download' | 'upload' | undefined {
  const [program = '', ...args] = command;
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
