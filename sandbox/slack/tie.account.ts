import { Browser } from '../identity/code.flow.js';

/** Nowhere: every redirect is followed. */
const NEVER = 'about:';

/**
 * Ties a Slack account by the link that it was offered, as a browser would: signs in as somebody on the identity
 * provider's page, and presses the button on the page that the link leads to. @throws Error where it is refused.
 */
export async function tieAccount(link: string, person: { readonly sub: string }): Promise<void> {
  const browser = new Browser(NEVER);
  const choice = await browser.read(link);
  const page = await browser.read(choice.address, new URLSearchParams({ sub: person.sub }));
  const form = /<form method="post" action="\/link\/slack">.*?<\/form>/s.exec(page.text)?.[0];
  if (form === undefined) throw new Error(`nothing can be tied at ${page.address}`);
  const fields = form.matchAll(/<input\s+type="hidden"\s+name="([^"]*)"\s+value="([^"]*)"\s*\/>/g);
  const sent = new URLSearchParams();
  for (const [, name = '', value = ''] of fields) sent.set(name, value);
  await browser.read(new URL('/link/slack', page.address).href, sent);
}
