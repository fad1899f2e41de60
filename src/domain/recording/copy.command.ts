const ARCHIVER = /(?:^|\/)tar$/;

/** What `kubectl cp --retries` runs by a shell, to go on where an attempt broke off; without any other command in it. */
const RESUMABLE = /^tar cf - [^|;&`$()<>\n]+ \| tail -c\+\d+$/;

/**
 * Copies word for word as kubectl makes them, from the archive's first byte on, the words parted by line feeds (measured:
 * test/kubernetes-1.36/kubectl, cp-from and cp-to; `--retries` and `--no-preserve`: kubectl's cp.go). One path, and none
 * that tar would take for an option.
 */
const OF_KUBECTL = [
  /^tar\ncf\n-\n[^-\n][^\n]*$/,
  /^sh\n-c\ntar cf - [^-|;&`$()<>\s][^|;&`$()<>\s]* \| tail -c\+[01]$/,
  /^tar\n(?:--no-same-permissions\n--no-same-owner\n)?-xmf\n-(?:\n-C\n[^\n]+)?$/,
];

/**
 * The direction of the copy that a command is, for terms that leave copies out: tar that writes an archive to its output
 * or takes one from its input, however it is called, and what kubectl runs by a shell. Undefined for any other command.
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

/** The same of what is asked to run. What runs on a terminal is no copy, whatever it is called; null is a shell. */
export function copyIn({
  tty,
  command,
}: {
  readonly tty: boolean;
  readonly command: readonly string[] | null;
}): 'download' | 'upload' | undefined {
  return tty || command === null ? undefined : copyOf(command);
}

/**
 * Whether the copy may be on the record as the files in it, in the place of what it writes. Only what `kubectl cp` itself
 * would send is: of a copy out that takes input as well, or of another program by that name, the output is recorded.
 */
export function isRecordedByFiles({
  command,
  stdin,
}: {
  readonly command: readonly string[];
  readonly stdin: boolean;
}): boolean {
  const words = command.join('\n');
  const direction = copyOf(command);
  if (direction === undefined || (direction === 'download' && stdin)) return false;
  return OF_KUBECTL.some((form) => form.test(words));
}

/** The letters of tar's options: of the first argument, which needs no dash, and of those that have one. */
function modeLetters(args: readonly string[]): string {
  return args
    .filter((arg, at) => (at === 0 || /^-[^-]/.test(arg)) && !arg.startsWith('--'))
    .join('');
}
