import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readTree, treeDigest } from './image/file.tree.js';
import { assembleImage } from './image/image.assembly.js';
import { ImageContainer } from './image/image.container.js';
import { BASE_MB, IMAGE_MB_MAX, imageFindings, sizeMb } from './image/image.findings.js';
import { tryImage } from './image/image.trial.js';

const HELP = `Checks the image where there is no container engine: carries out the steps of the Dockerfile on a folder, twice; looks at
what comes out; and runs it read-only, without rights, against the sandbox.

  npm run image:check
  npm run image:check -- --once        assembles it once: says nothing of whether it can be made again
  npm run image:check -- --keep        leaves the files where it says

Exit codes: 0 as it should be, 1 not, with what is wrong.`;

const EPOCH = 1_700_000_000;
const PROJECT = process.cwd();

process.exitCode = await main();

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      once: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    say(HELP);
    return 0;
  }
  const scratch = await mkdtemp(join(tmpdir(), 'hallpass-image-'));
  try {
    return await check(scratch, values.once ? 1 : 2);
  } finally {
    if (values.keep) say(`The files are in ${scratch}.`);
    else await rm(scratch, { recursive: true, force: true });
  }
}

async function check(scratch: string, times: 1 | 2): Promise<number> {
  // The bases are this machine's programs here, whatever their names.
  const args = new Map([
    ['ALLOW_UNPINNED', 'yes'],
    ['SOURCE_DATE_EPOCH', `${EPOCH}`],
  ]);
  const assemble = () => assembleImage({ project: PROJECT, scratch, args, say });
  const image = await assemble();
  const tree = readTree(join(image.root, 'app'));
  const digest = treeDigest(tree);
  const findings = await imageFindings({ project: PROJECT, image, tree, epoch: EPOCH });
  const files = tree.filter(({ kind }) => kind === 'file').length;
  say(`/app: ${files} files, ${sizeMb(tree)} MB, ${digest}`);
  say(`with ${BASE_MB} MB for the base: ${sizeMb(tree) + BASE_MB} MB of ${IMAGE_MB_MAX}`);
  if (times === 2) {
    const again = await assemble();
    const second = readTree(join(again.root, 'app'));
    if (treeDigest(second) !== digest) findings.push(firstDifference(tree, second));
    else say('a second assembly is the same, to the byte');
  }
  if (findings.length > 0) {
    process.stderr.write(`${findings.map((finding) => `The image: ${finding}`).join('\n')}\n`);
    return 1;
  }
  const container = ImageContainer.open(image, scratch);
  say(`It runs ${container.note}.`);
  await tryImage({ container, say });
  say('The image is as it should be.');
  return 0;
}

function firstDifference(one: ReturnType<typeof readTree>, other: typeof one): string {
  const texts = new Map(other.map((entry) => [entry.path, JSON.stringify(entry)]));
  const entry = one.find((it) => texts.get(it.path) !== JSON.stringify(it));
  return `made twice it is another: ${entry?.path ?? other.at(-1)?.path ?? 'nothing'}`;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
