import { accessSync, constants, realpathSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';

export type ShellFlavour = 'busybox' | 'bash' | 'dash';

export interface Shell {
  flavour: ShellFlavour;
  /** The shell's program on this machine. */
  path: string;
}

// Later entries stand in where the machine lacks the first. `read -t`, which timers need, is in busybox and bash, not in dash.
const substitutes: Record<ShellFlavour, readonly ShellFlavour[]> = {
  busybox: ['busybox', 'bash', 'dash'],
  bash: ['bash', 'busybox', 'dash'],
  dash: ['dash', 'busybox', 'bash'],
};

// A word of the image's name, so that `kubernetes-dashboard` is no dash.
const chosenByName: readonly [RegExp, ShellFlavour][] = [
  [/(^|[^a-z])busybox([^a-z]|$)/i, 'busybox'],
  [/(^|[^a-z])bash([^a-z]|$)/i, 'bash'],
  [/(^|[^a-z])dash([^a-z]|$)/i, 'dash'],
];

/**
 * What `/bin/sh` is in a container of this image: the flavour its name asks for, else busybox, as far as this machine has it.
 * Undefined where the machine has none of the three: `/bin/sh` is then the machine's own.
 */
export function shellFor(image: string, machine: Machine = thisMachine): Shell | undefined {
  const wanted = chosenByName.find(([pattern]) => pattern.test(image))?.[1] ?? 'busybox';
  for (const flavour of substitutes[wanted]) {
    const path = machine.find(flavour);
    if (path !== undefined && canTakeTheNameOfSh(flavour, machine.sh())) return { flavour, path };
  }
  return undefined;
}

/** Where programs are. */
export interface Machine {
  find(program: string): string | undefined;
  /** The file that `/bin/sh` resolves to. */
  sh(): string;
}

const systemFolders = [
  '/usr/local/sbin',
  '/usr/local/bin',
  '/usr/sbin',
  '/usr/bin',
  '/sbin',
  '/bin',
];

export const thisMachine: Machine = {
  find(program) {
    const folders = [...systemFolders];
    // Anywhere else but in the system's folders, only a program that is one file and needs nothing beside it is of use.
    if (program === 'busybox') {
      folders.push(
        ...(process.env['PATH'] ?? '').split(':').filter((each) => each.startsWith('/')),
      );
      folders.push(resolve('.hallpass/cache'));
    }
    return folders.map((folder) => join(folder, program)).find(isExecutable);
  },
  sh: () => realpathSync('/bin/sh'),
};

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

// The chosen shell is mounted over the file that /bin/sh resolves to. Where that file is a multi-call binary, mounting
// another shell over it would turn `ls` and `cat` into that shell as well.
function canTakeTheNameOfSh(flavour: ShellFlavour, sh: string): boolean {
  return basename(sh) !== 'busybox' || flavour === 'busybox';
}
