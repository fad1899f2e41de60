import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { AssembledImage } from './image.assembly.js';

/** Who runs what is in the image: nobody whom the machine knows. */
const UID = 65532;

/** Where the configuration and secrets are in a container, and where it may write. */
export const PLACES = {
  config: '/etc/hallpass',
  secrets: '/run/secrets/hallpass',
  scratch: '/tmp',
} as const;
type Place = keyof typeof PLACES;

const DEVICES = ['null', 'zero', 'random', 'urandom'];

/** How much of a container this machine lets us have. */
const WAYS = {
  root: 'as the user 65532, in namespaces of its own, on a root file system that is mounted read-only and has no shell',
  user: 'as the user 65532 of a user namespace, on a root file system that is mounted read-only and has no shell',
  plain:
    "as a user without rights, on files without rights to write; this machine's other files are there too",
} as const;
type Way = keyof typeof WAYS;

/** What a program in a container said and how it ended; null where a signal ended it. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs an assembled image as a container runtime would: its files and Node's, read-only, `/tmp` to write to, and two
 * folders for configuration and secrets. It shares this machine's network.
 */
export class ImageContainer {
  private constructor(
    private readonly image: AssembledImage,
    private readonly folders: Readonly<Record<Place, string>>,
    private readonly way: Way,
  ) {}

  /** Puts this Node beside the image's files, and tries which way of running it the machine allows. */
  static open(image: AssembledImage, scratch: string): ImageContainer {
    const folders = { config: '', secrets: '', scratch: '' };
    for (const place of Object.keys(PLACES) as Place[]) {
      folders[place] = join(scratch, `container-${place}`);
      mkdirSync(folders[place]);
      mkdirSync(join(image.root, PLACES[place]), { recursive: true });
    }
    chmodSync(folders.scratch, 0o1777);
    for (const name of ['proc', 'dev']) mkdirSync(join(image.root, name), { recursive: true });
    for (const name of DEVICES) writeFileSync(join(image.root, 'dev', name), '');
    addNode(image.root);
    const ways = process.getuid?.() === 0 ? (['root', 'user'] as const) : (['user'] as const);
    const way = ways.find((it) => {
      const tried = new ImageContainer(image, folders, it);
      return tried.#spawnSync(['node', '--version']);
    });
    if (!way) spawnSync('chmod', ['-R', 'a-w', join(image.root, 'app')]);
    return new ImageContainer(image, folders, way ?? 'plain');
  }

  /** How it runs here, in words. */
  get note(): string {
    return WAYS[this.way];
  }

  /** Whether its root file system is the image's alone. */
  get isAlone(): boolean {
    return this.way !== 'plain';
  }

  /** Where a file is for what runs in it. */
  path(place: Place, name: string): string {
    return join(this.isAlone ? PLACES[place] : this.folders[place], name);
  }

  /** Puts a file in one of its folders, for who runs in it to read. */
  put(place: Place, name: string, text: string): void {
    const path = join(this.folders[place], name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text, { mode: 0o400, flag: 'w' });
    if (process.getuid?.() === 0 && this.way !== 'user') chownSync(path, UID, UID);
  }

  /** Changes the first file of a folder that was written in it. */
  change(place: Place, folder: string, how: (content: Buffer) => Buffer): void {
    const below = join(this.folders[place], folder);
    const entries = readdirSync(below, { recursive: true, withFileTypes: true });
    const file = entries.find((entry) => entry.isFile());
    if (!file) throw new Error(`no file is below ${below}`);
    const path = join(file.parentPath, file.name);
    writeFileSync(path, how(readFileSync(path)));
  }

  /** Starts its entry point with a command, or another program of it. */
  start(command: readonly string[], entrypoint = this.image.entrypoint): RunningContainer {
    const [program = '', ...args] = this.#line([...entrypoint, ...command]);
    return new RunningContainer(
      spawn(program, args, { env: this.#env(), stdio: ['ignore', 'pipe', 'pipe'] }),
    );
  }

  /** Runs it to its end. */
  run(command: readonly string[], entrypoint?: readonly string[]): Promise<Ended> {
    return this.start(command, entrypoint).ended;
  }

  #spawnSync(words: readonly string[]): boolean {
    const [program = '', ...args] = this.#line(words);
    return spawnSync(program, args, { env: this.#env(), timeout: 30_000 }).status === 0;
  }

  #line(words: readonly string[]): readonly string[] {
    const { root } = this.image;
    const drop = ['setpriv', '--no-new-privs'];
    const clean = ['env', '-i', ...this.#variables()];
    const isolated = [
      '--mount',
      '--pid',
      '--fork',
      '--kill-child=KILL',
      '--propagation=private',
      'sh',
      '-c',
    ];
    const inside = this.#mountScript();
    switch (this.way) {
      case 'root':
        return [
          ...['unshare', ...isolated, inside, 'image', ...drop, ...clean],
          ...['/usr/sbin/chroot', `--userspec=${UID}:${UID}`, '--groups=', root, ...words],
        ];
      case 'user':
        return [
          ...[
            'unshare',
            '--user',
            '--map-root-user',
            ...isolated,
            inside,
            'image',
            ...drop,
            ...clean,
          ],
          ...['/usr/bin/unshare', '--user', `--map-user=${UID}`, `--map-group=${UID}`],
          ...[`--root=${root}`, `--wd=${this.image.workdir}`, ...words],
        ];
      case 'plain': {
        const here = words.map((word) => (word.startsWith('/app/') ? join(root, word) : word));
        const who =
          process.getuid?.() === 0 ? [`--reuid=${UID}`, `--regid=${UID}`, '--clear-groups'] : [];
        return [...drop, ...who, ...clean, ...here];
      }
    }
  }

  /** Mounts what a container has, then its root read-only, and goes on as what follows. */
  #mountScript(): string {
    const { root } = this.image;
    const bind = (from: string, to: string, isReadOnly: boolean): string[] => [
      `mount --bind '${from}' '${root}${to}'`,
      ...(isReadOnly ? [`mount -o remount,bind,ro '${root}${to}'`] : []),
    ];
    return [
      'set -e',
      ...bind(root, '', false),
      `mount -t proc proc '${root}/proc'`,
      ...DEVICES.flatMap((name) => bind(`/dev/${name}`, `/dev/${name}`, false)),
      ...bind(this.folders.config, PLACES.config, true),
      ...bind(this.folders.secrets, PLACES.secrets, true),
      ...bind(this.folders.scratch, PLACES.scratch, false),
      `mount -o remount,bind,ro '${root}'`,
      'exec "$@"',
    ].join('\n');
  }

  #env(): NodeJS.ProcessEnv {
    return { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' };
  }

  #variables(): string[] {
    const { env, root } = this.image;
    const PATH = this.isAlone ? env['PATH'] : join(root, 'nodejs/bin');
    const HALLPASS_CONFIG = this.path('config', 'hallpass.yaml');
    const variables = { ...env, HALLPASS_CONFIG, HOME: '/', PATH: PATH ?? '' };
    return Object.entries(variables).map(([name, value]) => `${name}=${value}`);
  }
}

/** A program that runs in a container. */
export class RunningContainer {
  stdout = '';
  stderr = '';
  readonly ended: Promise<Ended>;

  constructor(private readonly child: ChildProcess) {
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.ended = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => resolve({ code, stdout: this.stdout, stderr: this.stderr }));
    });
  }

  /** The first match in what it says. @throws Error where it ends without, or after `withinMs`. */
  async says(pattern: RegExp, withinMs: number): Promise<RegExpExecArray> {
    const deadline = AbortSignal.timeout(withinMs);
    for (;;) {
      const found = pattern.exec(this.stdout);
      if (found) return found;
      if (this.child.exitCode !== null || this.child.signalCode !== null || deadline.aborted) {
        throw new Error(`it did not say ${pattern}: ${this.stdout}${this.stderr}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Sends TERM to its main process, as a runtime does. */
  terminate(): void {
    process.kill(mainOf(this.child.pid ?? 0), 'SIGTERM');
  }

  /** Ends it at once. */
  kill(): void {
    this.child.kill('SIGKILL');
  }
}

/** The process at the end of a line of only children: `unshare` waits for what it made. */
function mainOf(pid: number): number {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return text === '' || text.includes(' ') ? pid : mainOf(Number(text));
}

/** This Node and the libraries that it is linked with, where the runtime image would have them. */
function addNode(root: string): void {
  const bin = join(root, 'nodejs/bin');
  mkdirSync(bin, { recursive: true });
  copyFileSync(process.execPath, join(bin, 'node'));
  const { stdout } = spawnSync('ldd', [process.execPath], { encoding: 'utf8' });
  for (const [library] of stdout.matchAll(/\/\S+/g)) {
    mkdirSync(join(root, dirname(library)), { recursive: true });
    copyFileSync(library, join(root, library));
  }
}
