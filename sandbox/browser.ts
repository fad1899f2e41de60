import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Browser } from 'playwright-core';
import { PROJECT_ROOT } from './project.root.js';

/** The program among what its package unpacks to the folder for temporary files, where it looks for it. */
const PROGRAM = 'chromium';
const UNPACK = `const { default: it } = await import('@sparticuz/chromium'); await it.executablePath();`;

/**
 * Starts a real browser, headless: a Chromium out of an npm package, so that a machine needs none of its own. It brings
 * the libraries it needs besides; without the variable it would look for the machine's.
 */
export async function startBrowser(): Promise<Browser> {
  process.env['AWS_EXECUTION_ENV'] ??=
    `AWS_Lambda_nodejs${process.versions.node.split('.')[0] ?? ''}.x`;
  await unpack();
  const [{ default: chromium }, { chromium: driver }] = await Promise.all([
    import('@sparticuz/chromium'),
    import('playwright-core'),
  ]);
  return driver.launch({
    executablePath: await chromium.executablePath(),
    // The flags of its own turn off what pages must not do, which is just what tests look at.
    args: ['--no-sandbox', '--no-zygote', '--single-process', '--font-render-hinting=none'],
    headless: true,
  });
}

/**
 * The package takes a program that is there for one that is whole, while another process still writes it. So it is
 * unpacked elsewhere and moved there, the program last.
 */
async function unpack(): Promise<void> {
  const folder = tmpdir();
  if (existsSync(join(folder, PROGRAM))) return;
  const beside = await mkdtemp(join(folder, `${PROGRAM}-unpacking-`));
  try {
    await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', UNPACK], {
      cwd: PROJECT_ROOT,
      env: { ...process.env, TMPDIR: beside },
    });
    const unpacked = await readdir(beside);
    for (const name of [...unpacked.filter((it) => it !== PROGRAM), PROGRAM]) {
      await rename(join(beside, name), join(folder, name)).catch(unlessThere);
    }
  } finally {
    await rm(beside, { recursive: true, force: true });
  }
}

/** Another process was quicker with a folder: it is the same. */
function unlessThere(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
}
