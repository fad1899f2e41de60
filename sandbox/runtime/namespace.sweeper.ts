import { readdirSync, readlinkSync } from 'node:fs';

/**
 * KILLs every process in a mount namespace and waits until none is left: what containerd does when the main process of
 * a container ends that shares its PID namespace (measured: test/kubernetes-1.36/ending/deadline-target-user-stream.json).
 * A process that was able to leave its mount namespace is not found. Returns how many were killed.
 */
export async function sweepMountNamespace(namespace: string): Promise<number> {
  // Killing this process's own namespace would be killing the machine's processes.
  if (namespace === readlinkSync('/proc/self/ns/mnt')) throw new Error('not a container');
  const killed = new Set<number>();
  const giveUp = Date.now() + 5_000;
  for (let found = members(namespace); found.length > 0; found = members(namespace)) {
    for (const pid of found) {
      killed.add(pid);
      sendSignal(pid, 'SIGKILL');
    }
    if (Date.now() > giveUp) break;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  return killed.size;
}

/** A zombie has no namespaces any more: what is listed can still run. */
function members(namespace: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && isIn(Number(name), namespace))
    .map(Number);
}

export function isIn(pid: number, mountNamespace: string): boolean {
  try {
    return readlinkSync(`/proc/${pid}/ns/mnt`) === mountNamespace;
  } catch {
    return false; // It ended, or it is somebody else's.
  }
}

export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
