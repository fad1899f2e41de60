/** What a browser shows in the end. */
export interface Shown {
  readonly url: string;
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

const REDIRECTS_MAX = 15;

/** As much of a browser as pages need: cookies of each origin, redirects, forms. It runs no scripts, as pages have none. */
export class PageBrowser {
  /** By origin: real browsers keep ports of one host together, which tests of two servers do not want. */
  readonly cookies = new Map<string, Map<string, string>>();
  /** Each `Set-Cookie` line that came. */
  readonly set: string[] = [];

  async get(url: string, headers: Record<string, string> = {}): Promise<Shown> {
    return this.go(url, undefined, headers);
  }

  async post(
    url: string,
    form: Record<string, string>,
    headers: Record<string, string> = {},
  ): Promise<Shown> {
    return this.go(url, new URLSearchParams(form), headers);
  }

  /** Sends the form of a page that posts to an address that ends so, with its hidden fields. */
  async submit(page: Shown, action: string, fields: Record<string, string> = {}): Promise<Shown> {
    return this.post(new URL(actionIn(page, action), page.url).href, {
      ...hiddenIn(page, action),
      ...fields,
    });
  }

  cookie(origin: string, name: string): string | undefined {
    return this.cookies.get(new URL(origin).origin)?.get(name);
  }

  /** One answer, its redirects not followed. */
  async once(url: string, form?: URLSearchParams, headers = {}): Promise<Response> {
    const { origin } = new URL(url);
    const jar = this.cookies.get(origin) ?? new Map<string, string>();
    this.cookies.set(origin, jar);
    const response = await fetch(url, {
      method: form ? 'POST' : 'GET',
      redirect: 'manual',
      headers: { cookie: [...jar].map((pair) => pair.join('=')).join('; '), ...headers },
      ...(form && { body: form }),
    });
    for (const line of response.headers.getSetCookie()) {
      this.set.push(line);
      const [name = '', value = ''] = (line.split(';')[0] ?? '').split('=');
      if (value === '' || /max-age=0(;|$)/i.test(line)) jar.delete(name);
      else jar.set(name, value);
    }
    return response;
  }

  private async go(
    url: string,
    form: URLSearchParams | undefined,
    headers: object,
  ): Promise<Shown> {
    let [at, sent] = [url, form];
    for (let count = 0; count < REDIRECTS_MAX; count += 1) {
      const response = await this.once(at, sent, headers);
      const location = response.headers.get('location');
      if (location === null) {
        const text = await response.text();
        return { url: at, status: response.status, headers: response.headers, text };
      }
      [at, sent] = [new URL(location, at).href, undefined];
    }
    throw new Error(`more than ${REDIRECTS_MAX} redirects from ${url}`);
  }
}

function formIn({ text }: Shown, action: string): string {
  const form = [...text.matchAll(/<form method="post" action="([^"]*)">.*?<\/form>/gs)].find(
    ([, to = '']) => to.endsWith(action),
  );
  if (!form) throw new Error(`no form to ${action} in ${text}`);
  return form[0];
}

function actionIn(page: Shown, action: string): string {
  return /action="([^"]*)"/.exec(formIn(page, action))?.[1] ?? '';
}

function hiddenIn(page: Shown, action: string): Record<string, string> {
  const fields = formIn(page, action).matchAll(
    /<input\s+type="hidden"\s+name="([^"]*)"\s+value="([^"]*)"\s*\/>/g,
  );
  return Object.fromEntries([...fields].map(([, name = '', value = '']) => [name, value]));
}
