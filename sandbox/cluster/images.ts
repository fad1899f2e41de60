import { createHash } from 'node:crypto';

/**
 * The images of the stand-in. A container here is a process of this machine, so an image is no file system: it is a
 * default command, the user it runs as, and what its `sh` is.
 */
export interface Image {
  /** ENTRYPOINT and CMD together. */
  command: readonly string[];
  /** What `/bin/sh` is (the runtime sees to it); `none`: the image has no shell, and starting one fails as it should. */
  shell: 'busybox' | 'bash' | 'dash' | 'none';
  user?: number;
  /** Programs the image has and this machine has not, as the command that plays them. */
  programs?: Readonly<Record<string, readonly string[]>>;
  env?: Readonly<Record<string, string>>;
}

// Prints a line each 30 s and exits 2 on TERM, as the recorded app did (measured: lifecycle/pod-deleted-under-session.json).
// With a terminal it printed one line and ended (measured: admission/vap-exec-app-container-allowed.json).
const ticking =
  '[ -t 1 ] && { echo tick $(date +%s); exit 0; }; trap "exit 2" TERM; while :; do echo tick $(date +%s); n=0; while [ $n -lt 300 ]; do sleep 0.1; n=$((n+1)); done; done';
const app: Image = {
  command: ['/bin/app'],
  shell: 'none',
  programs: { '/bin/app': ['/bin/sh', '-c', ticking] },
};
// Listens on a port of loopback, on any where that is taken (all Pods share this machine's), and says on which: `http`
// greets by the Pod's name, `echo` gives back what it gets. Perl is on nearly every Linux; without, the container's status
// says that it is missing.
const listening = String.raw`use Socket; $| = 1; $SIG{CHLD} = "IGNORE"; $SIG{TERM} = sub { exit };
my ($what, $port) = @ARGV;
socket(my $door, PF_INET, SOCK_STREAM, 0) or die $!;
setsockopt($door, SOL_SOCKET, SO_REUSEADDR, 1);
bind($door, sockaddr_in($port, INADDR_LOOPBACK)) or bind($door, sockaddr_in(0, INADDR_LOOPBACK)) or die $!;
listen($door, 64);
($port) = sockaddr_in(getsockname($door));
print "listening on $port\n";
while (1) {
  accept(my $peer, $door) or next;
  if (fork) { close $peer; next; }
  close $door;
  if ($what eq "http") {
    sysread($peer, my $request, 65536);
    my $text = "Hello from $ENV{HOSTNAME}.\n";
    syswrite($peer, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: " . length($text) . "\r\n\r\n$text");
  } else {
    while (sysread($peer, my $bytes, 65536)) {
      my $sent = 0;
      while ($sent < length $bytes) { $sent += syswrite($peer, $bytes, length($bytes) - $sent, $sent) || exit; }
    }
  }
  exit;
}`;
const web: Image = {
  command: ['/bin/web', 'http', '8080'],
  shell: 'busybox',
  programs: { '/bin/web': ['perl', '-e', listening] },
};
const busybox: Image = { command: ['sh'], shell: 'busybox' };

export const knownImages: Readonly<Record<string, Image>> = {
  'docker.io/library/busybox:1': busybox,
  'docker.io/library/other:1': busybox,
  'docker.io/library/app:1': app,
  'docker.io/library/web:1': web,
  'docker.io/library/bash:5': { command: ['bash'], shell: 'bash' },
  'docker.io/library/debian:12': { command: ['bash'], shell: 'dash' },
  'docker.io/library/distroless:1': { ...app, command: ['/bin/app'] },
  'registry.example/shop/checkout:1.4.2': { ...app, shell: 'busybox' },
  'registry.example/debug/tools:1': { command: ['bash'], shell: 'bash' },
};

/** The images a node has or can pull. Unknown references fail to pull, as they would. */
export class ImageTable {
  readonly #images: Map<string, Image>;

  constructor(images: Readonly<Record<string, Image>> = knownImages) {
    this.#images = new Map(
      Object.entries(images).map(([reference, image]) => [normalise(reference), image]),
    );
  }

  add(reference: string, image: Image): void {
    this.#images.set(normalise(reference), image);
  }

  /** By tag, by digest (the digest `idOf` gives for a known tag), or both. */
  find(reference: string): Image | undefined {
    const [name = '', digest] = normalise(reference).split('@');
    if (digest === undefined) return this.#images.get(normalise(reference));
    const repository = name.replace(/:[^/:]+$/, '');
    for (const [known, image] of this.#images) {
      if (known.replace(/:[^/:]+$/, '') !== repository) continue;
      if (imageId(known) === digest || known === `${repository}@${digest}`) return image;
    }
    return undefined;
  }
}

/** The image's digest: made from its reference, so that it is the same on every run. */
export function imageId(reference: string): string {
  const [name = '', digest] = normalise(reference).split('@');
  return digest ?? `sha256:${createHash('sha256').update(name).digest('hex')}`;
}

/** `busybox` is `docker.io/library/busybox:latest`. */
export function normalise(reference: string): string {
  const first = reference.split('/')[0] ?? '';
  const hasHost = reference.includes('/') && /[.:]|^localhost$/.test(first);
  const host = hasHost ? '' : reference.includes('/') ? 'docker.io/' : 'docker.io/library/';
  const tagged = /[:@][^/]+$/.test(reference.slice(reference.lastIndexOf('/') + 1));
  return `${host}${reference}${tagged ? '' : ':latest'}`;
}

/** True for what containerd refuses to parse (`InvalidImageName`). */
export function isMalformed(reference: string): boolean {
  return !/^[a-z0-9]([a-z0-9._:-]*[a-z0-9])?(\/[a-z0-9]+([._-]+[a-z0-9]+)*)*(:[\w][\w.-]{0,127})?(@sha256:[0-9a-f]{64})?$/.test(
    reference,
  );
}

/** The name under which the runtime finds the image's shell: its flavour. */
export function runtimeImage({ shell }: Image): string {
  return shell === 'none' ? 'busybox' : shell;
}

/** A command as this machine can run it: programs only the image has are played, a shell it lacks is not found. */
export function onThisMachine(image: Image, command: readonly string[]): string[] {
  const [program = '', ...rest] = command;
  const played = image.programs?.[program];
  if (played !== undefined) return [...played, ...rest];
  const isShell = /^(?:\/bin\/)?(?:sh|ash|bash|dash)$/.test(program);
  return image.shell === 'none' && isShell
    ? [`${program}-is-not-in-this-image`, ...rest]
    : [...command];
}
