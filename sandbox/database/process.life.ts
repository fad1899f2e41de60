import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';

/** A process, told apart from a later one of the same number. */
export interface ProcessMark {
  readonly pid: number;
  readonly host: string;
  /** When it started, on Linux; empty elsewhere. */
  readonly since: string;
}

export function markOf(pid: number): ProcessMark {
  return { pid, host: hostname(), since: startOf(pid) };
}

/** Whether that process still lives. One of another host, with which a folder is shared, counts as living. */
export function isLiving(mark: ProcessMark): boolean {
  if (mark.host !== hostname()) return true;
  return isRunning(mark.pid) && (mark.since === '' || mark.since === startOf(mark.pid));
}

export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** The words of its command line, on Linux; empty elsewhere, and for a process that is gone. */
export function commandOf(pid: number): readonly string[] {
  return read(`/proc/${pid}/cmdline`).split('\0').filter(Boolean);
}

/** Asks a condition until it holds. @returns whether it held in time. */
export async function holdsWithin(timeoutMs: number, condition: () => boolean): Promise<boolean> {
  const until = performance.now() + timeoutMs;
  while (!condition()) {
    if (performance.now() >= until) return false;
    await pause(10);
  }
  return true;
}

/** Boot and clock tick at which the process started: proc(5), field 22 of stat. */
function startOf(pid: number): string {
  const stat = read(`/proc/${pid}/stat`);
  // The second field is a name in parentheses that may hold anything.
  const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  return ticks === undefined ? '' : `${read('/proc/sys/kernel/random/boot_id').trim()}/${ticks}`;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
