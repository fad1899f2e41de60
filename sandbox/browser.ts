import type { Browser } from 'playwright-core';

/**
 * Starts a real browser, headless: a Chromium out of an npm package, so that a machine needs none of its own. It brings
 * the libraries it needs besides; without the variable it would look for the machine's.
 */
export async function startBrowser(): Promise<Browser> {
  process.env['AWS_EXECUTION_ENV'] ??=
    `AWS_Lambda_nodejs${process.versions.node.split('.')[0] ?? ''}.x`;
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
