import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { quoted } from './container.scripts.js';
import type { MachineTools } from './machine.tools.js';
import { mountTable } from './mount.table.js';
import type { Shell } from './shells.js';

/** Folders that hold programs and their libraries, as far as they exist. /nix: on some machines /usr points there. */
const programFolders = /^(usr|bin|sbin|lib(32|64|x32)?|nix)$/;
const devices = ['null', 'zero', 'full', 'random', 'urandom', 'tty'];
const deviceLinks = {
  fd: '/proc/self/fd',
  stdin: '/proc/self/fd/0',
  stdout: '/proc/self/fd/1',
  stderr: '/proc/self/fd/2',
  ptmx: 'pts/ptmx',
};
const emptyFolders = ['dev/pts', 'home', 'mnt', 'opt', 'proc', 'run', 'srv', 'sys', 'var/log'];
const openFolders = ['dev/shm', 'tmp', 'var/tmp'];
/** What programs expect of /etc and what says nothing about the machine's people. Copied: a container may change it. */
const copiedOfEtc = [
  ...['hosts', 'localtime', 'nsswitch.conf', 'os-release', 'profile', 'protocols', 'resolv.conf'],
  ...['services', 'ld.so.cache', 'ld.so.conf', 'ld-musl-x86_64.path', 'ld-musl-aarch64.path'],
];
const mountedOfEtc = ['alternatives', 'ca-certificates', 'pki', 'ssl', 'terminfo'];
const ownOfEtc = {
  passwd:
    'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n',
  group: 'root:x:0:\ntty:x:5:\nnogroup:x:65534:\n',
};

/**
 * A container's root file system: a tmpfs of its own, the machine's programs mounted into it read-only, and nothing of
 * the machine's people: no /home, no /root, no /var, no sockets.
 */
export class RootFilesystem {
  readonly #mountPoint: string;
  readonly #skeleton: string;
  readonly #mounted: string[] = [];

  /** `folder` is private to the runtime and lives as long as it does. */
  constructor(
    private readonly folder: string,
    private readonly tools: MachineTools,
  ) {
    this.#mountPoint = join(folder, 'root');
    this.#skeleton = join(folder, 'skeleton');
    mkdirSync(this.#mountPoint);
    this.#folders(['', '.machine', 'etc', ...emptyFolders], 0o755);
    this.#folders(['root'], 0o700);
    this.#folders(openFolders, 0o1777);
    this.#topLevel();
    this.#etc();
    for (const name of devices) writeFileSync(join(this.#skeleton, 'dev', name), '');
    for (const [name, target] of Object.entries(deviceLinks)) {
      symlinkSync(target, join(this.#skeleton, 'dev', name));
    }
  }

  /** The commands that make it and move into it, for the setup script. */
  buildScript(shell: Shell | undefined, { isReadOnly }: { readonly isReadOnly: boolean }): string {
    const { mount, umount, cp, pivot_root, rmdir } = this.tools;
    const table = join(this.folder, `fstab.${shell?.flavour ?? 'machine'}`);
    if (!existsSync(table)) {
      const mounts = { mountPoint: this.#mountPoint, programs: this.#mounted, devices, shell };
      writeFileSync(table, mountTable(mounts));
    }
    const root = quoted(this.#mountPoint);
    return [
      `${mount} -n -t tmpfs -o mode=755,nosuid,nodev,size=256m hallpass ${root}`,
      `${cp} -a ${quoted(this.#skeleton)}/. ${root}`,
      `${mount} -n -a -T ${quoted(table)}`,
      `cd ${root}`,
      `${pivot_root} . .machine`,
      'cd /',
      `${umount} -n -l /.machine`,
      `${rmdir} /.machine`,
      // As containerd has it: /dev is a file system of its own, and stays writable.
      ...(isReadOnly
        ? [`${mount} -n --rbind /dev /dev`, `${mount} -n -o remount,bind,ro,nosuid,nodev none /`]
        : []),
    ].join(' &&\n');
  }

  #folders(names: readonly string[], mode: number): void {
    for (const name of names) {
      const path = join(this.#skeleton, name);
      mkdirSync(path, { recursive: true });
      chmodSync(path, mode);
    }
  }

  #topLevel(): void {
    for (const entry of readdirSync('/', { withFileTypes: true })) {
      if (!programFolders.test(entry.name)) continue;
      const path = join(this.#skeleton, entry.name);
      if (entry.isSymbolicLink()) {
        symlinkSync(readlinkSync(join('/', entry.name)), path);
      } else {
        this.#folders([entry.name], 0o755);
        this.#mounted.push(`/${entry.name}`);
      }
    }
  }

  #etc(): void {
    const etc = join(this.#skeleton, 'etc');
    for (const name of copiedOfEtc) {
      const path = join('/etc', name);
      if (existsSync(path)) writeFileSync(join(etc, name), readFileSync(realpathSync(path)));
    }
    for (const [name, text] of Object.entries(ownOfEtc)) writeFileSync(join(etc, name), text);
    for (const name of mountedOfEtc.filter((each) => existsSync(join('/etc', each)))) {
      this.#folders([`etc/${name}`], 0o755);
      this.#mounted.push(`/etc/${name}`);
    }
  }
}
