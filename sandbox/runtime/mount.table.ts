import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import type { Shell } from './shells.js';

// As runc: parts of /proc by which the root of a container would reach the whole machine.
const readOnlyOfProc = ['bus', 'fs', 'irq', 'sys', 'sysrq-trigger'];
const hiddenOfProc = ['kcore', 'kmsg', 'sched_debug', 'timer_list'];

/** In the format of fstab(5), for one `mount -a`: a dozen mounts in one process instead of a process each. */
export function mountTable(options: {
  mountPoint: string;
  /** Absolute paths of the machine that a container sees read-only under the same name. */
  programs: readonly string[];
  devices: readonly string[];
  shell: Shell | undefined;
}): string {
  const { mountPoint, programs, devices, shell } = options;
  const inside = (path: string): string => join(mountPoint, path);
  const sh = realpathSync('/bin/sh');
  const proc = (name: string): string => inside(join('proc', name));
  const lines: [source: string, target: string, type: string, options: string][] = [
    ...programs.map((path) => bind(path, inside(path), 'rbind', 'ro', ...lockedFlags(path))),
    ...devices.map((name) => bind(join('/dev', name), inside(join('dev', name)), 'bind')),
    ['devpts', inside('dev/pts'), 'devpts', 'newinstance,ptmxmode=0666,mode=620,nosuid,noexec'],
    ...(shell === undefined || realpathSync(shell.path) === sh
      ? []
      : [bind(realpathSync(shell.path), inside(sh), 'bind')]),
    ['proc', inside('proc'), 'proc', 'nosuid,nodev,noexec'],
    // For an ordinary user the machine's own permissions say the same.
    ...(process.getuid?.() === 0 ? [...readOnlyOfProc] : [])
      .filter((name) => existsSync(join('/proc', name)))
      .map((name) => bind(proc(name), proc(name), 'bind', 'ro', 'nosuid', 'nodev', 'noexec')),
    ...hiddenOfProc
      .filter((name) => existsSync(join('/proc', name)))
      .map((name) => bind('/dev/null', proc(name), 'bind')),
  ];
  return lines.map((line) => `${line.map(escaped).join(' ')} 0 0\n`).join('');
}

function bind(
  source: string,
  target: string,
  ...options: string[]
): [string, string, string, string] {
  return [source, target, 'none', options.join(',')];
}

const escaped = (field: string): string =>
  field.replace(/[\s\\]/g, (each) => `\\${each.charCodeAt(0).toString(8).padStart(3, '0')}`);

/** Options of the machine's own mount that an ordinary user may not take away when mounting it again read-only. */
function lockedFlags(path: string): string[] {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  let best: { point: string; flags: string[] } = { point: '', flags: [] };
  for (const line of mounts) {
    const fields = line.split(' ');
    const point = (fields[4] ?? '').replace(/\\040/g, ' ');
    const above = point === '/' || path === point || path.startsWith(`${point}/`);
    if (above && point.length >= best.point.length) {
      best = { point, flags: (fields[5] ?? '').split(',') };
    }
  }
  return best.flags.filter((flag) => /^(nosuid|nodev|noexec|noatime|nodiratime)$/.test(flag));
}
