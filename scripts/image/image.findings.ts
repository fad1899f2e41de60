import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { productionPackages } from '../sbom/production.packages.js';
import { sbomMistakes } from '../sbom/sbom.document.js';
import { z } from 'zod';
import type { TreeEntry } from './file.tree.js';
import type { AssembledImage } from './image.assembly.js';

/** An image may have so much, unpacked, with what it stands on. */
export const IMAGE_MB_MAX = 350;

/** What is allowed for the image of Node that it stands on: Node is 120 MB of it, libraries and certificates the rest. */
export const BASE_MB = 180;

const MB = 1_000_000;

/** An assembled image, and what is in its `/app`. */
export interface Findable {
  readonly project: string;
  readonly image: AssembledImage;
  readonly tree: readonly TreeEntry[];
  /** The time that every file must have: seconds since 1970. */
  readonly epoch: number;
}

const TOP_LEVEL = ['LICENSE', 'dist', 'node_modules', 'package.json', 'prisma', 'sbom.cdx.json'];

const COMPILERS = [
  'node_modules/@prisma/client/runtime/query_compiler_fast_bg.postgresql.mjs',
  'node_modules/@prisma/client/runtime/query_compiler_fast_bg.postgresql.wasm-base64.mjs',
];

const PROGRAM_NAMES =
  /^(sh|ash|bash|dash|zsh|busybox|toybox|npm|npx|yarn|pnpm|corepack|apt|apk|dpkg|pip)$/;
/** For those who build, test or debug, or for their owner alone. */
const NOT_FOR_IMAGES = /\.(map|ts|mts|cts|sh|tsbuildinfo)$|\.test\.[cm]?js$/;
const SECRETS = /^\.(npmrc|env.*|netrc|git.*)$|\.(key|p12|pfx)$/;

/** How the files of programs begin that a machine runs by itself, on one kind of processor: ELF, Mach-O, PE. */
const NATIVE = ['7f454c46', 'cffaedfe', 'cafebabe'];

/** What an image must not be. Each gives what it finds, in sentences. */
const RULES: readonly ((it: Findable) => string[] | Promise<string[]>)[] = [
  ({ tree }) => {
    const size = sizeMb(tree) + BASE_MB;
    return size <= IMAGE_MB_MAX ? [] : [`it has ${size} MB, and may have ${IMAGE_MB_MAX}`];
  },
  ({ tree }) => differences('/app', TOP_LEVEL, tree.map(({ path }) => path).filter(isTop)),
  ({ tree }) => {
    const found = tree
      .map(({ path }) => path)
      .filter((path) => /query_(compiler|engine)/.test(path));
    return differences("Prisma's query compilers", COMPILERS, found);
  },
  ({ tree, project }) => {
    const wanted = productionPackages(project).map(({ path }) => path);
    return differences(
      'the packages',
      wanted.filter((path) => path !== ''),
      packagesIn(tree),
    );
  },
  async ({ tree, image }) => {
    const text = readFileSync(join(image.root, 'app', 'sbom.cdx.json'), 'utf8');
    const mistakes = await sbomMistakes(text);
    const { components } = Sbom.parse(JSON.parse(text));
    const listed = components.map((component) => component['bom-ref']);
    const against =
      mistakes === undefined ? [] : [`its bill of materials breaks the schema: ${mistakes}`];
    return [...against, ...differences('the bill of materials', packagesIn(tree), listed)];
  },
  each(({ path }) => PROGRAM_NAMES.test(nameOf(path)), 'is a shell or a package manager'),
  each(({ path }) => NOT_FOR_IMAGES.test(path), 'is for those who build or debug'),
  each(({ path }) => SECRETS.test(nameOf(path)), 'may hold a secret'),
  each(({ kind, mode }) => kind !== 'link' && (mode & 0o022) !== 0, 'may be written by others'),
  each(({ mode, kind }) => kind !== 'link' && (mode & 0o7000) !== 0, 'runs as somebody else'),
  ({ tree, epoch }) => each((it) => it.modifiedAt !== epoch, 'has a time of its own')({ tree }),
  ({ tree, image }) =>
    each(
      (it) => it.kind === 'file' && isNative(join(image.root, 'app', it.path)),
      'is a program for one kind of processor',
    )({ tree }),
  ({ image }) => (/^[1-9]\d*:[1-9]\d*$/.test(image.user) ? [] : [`it runs as ${image.user}`]),
];

const Sbom = z.object({ components: z.array(z.object({ 'bom-ref': z.string() })) });

/** Everything that is wrong with an image; nothing where it is as it should be. */
export async function imageFindings(it: Findable): Promise<string[]> {
  return (await Promise.all(RULES.map(async (rule) => rule(it)))).flat();
}

/** The size of a tree, in millions of bytes. */
export function sizeMb(tree: readonly TreeEntry[]): number {
  return Math.ceil(tree.reduce((sum, { bytes }) => sum + bytes, 0) / MB);
}

function each(
  isWrong: (entry: TreeEntry) => boolean,
  what: string,
): (it: Pick<Findable, 'tree'>) => string[] {
  return ({ tree }) => tree.filter(isWrong).map(({ path }) => `/app/${path} ${what}`);
}

function differences(of: string, wanted: readonly string[], found: readonly string[]): string[] {
  return [
    ...found.filter((name) => !wanted.includes(name)).map((name) => `${of}: ${name} is too much`),
    ...wanted.filter((name) => !found.includes(name)).map((name) => `${of}: ${name} is missing`),
  ];
}

/** The folders of a tree that npm installed a package in. */
function packagesIn(tree: readonly TreeEntry[]): string[] {
  return tree
    .filter(({ path }) => /(^|\/)node_modules\/(@[^/]+\/)?[^/]+\/package\.json$/.test(path))
    .map(({ path }) => dirname(path));
}

function isTop(path: string): boolean {
  return !path.includes('/');
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function isNative(path: string): boolean {
  const descriptor = openSync(path, 'r');
  try {
    const head = Buffer.alloc(4);
    readSync(descriptor, head, 0, head.length, 0);
    return NATIVE.includes(head.toString('hex')) || head.toString('latin1', 0, 2) === 'MZ';
  } finally {
    closeSync(descriptor);
  }
}
