import { z } from 'zod';
import { thisMachine } from './shells.js';

// util-linux in the first two lines: busybox has programs of these names, without the options used here.
const names = [
  ...(['setpriv', 'unshare', 'nsenter', 'setsid'] as const),
  ...(['mount', 'umount', 'pivot_root'] as const),
  ...(['env', 'cp', 'ln', 'mkdir', 'chmod', 'rmdir', 'mkfifo', 'sh'] as const),
] as const;

const Tools = z.record(z.enum(names), z.string());

/** Absolute paths: what is run around a container must not depend on the PATH that the container is given. */
export type MachineTools = z.infer<typeof Tools>;

/** The programs that containers are made with, or the names of those this machine lacks. */
export function findTools(): MachineTools | { missing: string[] } {
  const found = new Map(names.map((name) => [name, thisMachine.find(name)]));
  const missing = [...found].flatMap(([name, path]) => (path === undefined ? [name] : []));
  return missing.length > 0 ? { missing } : Tools.parse(Object.fromEntries(found));
}
