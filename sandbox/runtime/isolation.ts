import { spawn } from 'node:child_process';
import {
  closeSync,
  lstatSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readlinkSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MachineTools } from './machine.tools.js';
import { NamespaceCommands } from './namespace.commands.js';
import { RootFilesystem } from './root.filesystem.js';

/** What containers are made with on this machine. */
export class Isolation {
  readonly commands: NamespaceCommands;
  readonly root: RootFilesystem;

  private constructor(
    tools: MachineTools,
    readonly folder: string,
    /** The user namespace that containers live in; none when the runtime is root. */
    readonly userNamespace: number | undefined,
  ) {
    this.commands = new NamespaceCommands(tools, userNamespace !== undefined);
    this.root = new RootFilesystem(folder, tools);
  }

  /** Throws what the machine says when it does not let an ordinary user have namespaces. */
  static async open(tools: MachineTools, as: 'root' | 'user'): Promise<Isolation> {
    const userNamespace = as === 'user' ? await openUserNamespace(tools) : undefined;
    return new Isolation(tools, makeFolder(), userNamespace);
  }

  close(): void {
    if (this.userNamespace !== undefined) closeSync(this.userNamespace);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The namespace lives as long as its descriptor is open: no process has to stay behind for it. */
async function openUserNamespace(tools: MachineTools): Promise<number> {
  const script = 'echo made; read line';
  const child = spawn(tools.unshare, ['--user', '--map-root-user', tools.sh, '-c', script], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text));
  try {
    await new Promise<void>((resolve, reject) => {
      child.stdout.once('data', () => resolve());
      child.once('error', reject);
      child.once('close', () => reject(new Error(complaint.trim())));
    });
    return openSync(`/proc/${child.pid}/ns/user`, 'r');
  } finally {
    child.stdin.destroy();
  }
}

/** A folder of this process; those that killed runtimes left behind are removed on the way. */
function makeFolder(): string {
  const place = /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? '0';
  const prefix = `hallpass-runtime-${place}-`;
  for (const name of readdirSync(tmpdir())) {
    const owner = Number(new RegExp(`^${prefix}(\\d+)-`).exec(name)?.[1] ?? Number.NaN);
    const path = join(tmpdir(), name);
    if (Number.isNaN(owner) || isAlive(owner)) continue;
    if (lstatSync(path).uid === process.getuid?.()) rmSync(path, { recursive: true, force: true });
  }
  return mkdtempSync(join(tmpdir(), `${prefix}${process.pid}-`));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
