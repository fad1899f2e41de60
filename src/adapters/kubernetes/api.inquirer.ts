import type { z } from 'zod';
import { HttpMethod, RequestContext } from '@kubernetes/client-node';
import { fetch } from 'undici';
import { Unseen } from '../../domain/doctor/finding.js';
import type { ClusterSettings } from './cluster.settings.js';
import { loadKubeconfig } from './kubeconfig.loader.js';
import type { PooledKubeConfig } from './pooled.kubeconfig.js';

const AT_ONCE = 16;
const ANSWER_BYTES_MAX = 32 * 1024 * 1024;
const PAGE = 500;
/** Of lists: 20,000 roles are read, and no more. */
const PAGES_MAX = 40;

/** What is sent, and the headers beside the usual ones. */
interface Posted {
  readonly body: object;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer, whatever it says. */
interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly date: string | null;
  readonly askedMs: number;
  readonly answeredMs: number;
}

/** Asks an API server, each thing once and few at a time, and says in a sentence why it has no answer. */
export class ApiInquirer {
  private loading: Promise<PooledKubeConfig> | undefined;
  private readonly underWay = new Set<Promise<unknown>>();

  constructor(private readonly settings: ClusterSettings) {}

  /** All of a list, page by page. */
  async list<T>(
    path: string,
    schema: z.ZodType<{ readonly items: T[]; readonly metadata: { readonly continue?: string } }>,
    signal: AbortSignal,
  ): Promise<readonly T[] | Unseen> {
    const items: T[] = [];
    let more = '';
    for (let page = 0; page < PAGES_MAX; page++) {
      const on = more === '' ? '' : `&continue=${encodeURIComponent(more)}`;
      const found = await this.read(`${path}?limit=${PAGE}${on}`, schema, signal);
      if (found instanceof Unseen) return found;
      items.push(...found.items);
      more = found.metadata.continue ?? '';
      if (more === '') return items;
    }
    return new Unseen(
      `${path} has more than ${PAGE * PAGES_MAX} entries, and was not read to its end`,
      'ask about those who matter: --subject',
    );
  }

  /** What an answer says; {@link Unseen} where it is a refusal, none, or not of that form. */
  async read<T>(
    path: string,
    schema: z.ZodType<T>,
    signal: AbortSignal,
    posted?: Posted,
  ): Promise<T | Unseen> {
    const answer = await this.ask(path, signal, posted);
    if (answer instanceof Unseen) return answer;
    const what = path.split('?')[0] ?? path;
    if (answer.status === 401 || answer.status === 403) return refused(what, answer.status);
    if (answer.status >= 300) {
      return new Unseen(
        `the API server answers ${answer.status} to ${what}`,
        'see whether it has that API, and what stands before it',
      );
    }
    const read = schema.safeParse(answer.body);
    return read.success
      ? read.data
      : new Unseen(
          `the answer to ${what} is not what Kubernetes answers`,
          'see what is at that address',
        );
  }

  /** So many at once: an API server has others to answer. */
  async ask(path: string, signal: AbortSignal, posted?: Posted): Promise<Answer | Unseen> {
    while (this.underWay.size >= AT_ONCE) await Promise.race(this.underWay);
    const asked = this.askNow(path, signal, posted);
    this.underWay.add(asked);
    return asked.finally(() => this.underWay.delete(asked));
  }

  private async request(path: string, method: HttpMethod): Promise<RequestContext> {
    this.loading ??= loadKubeconfig(this.settings);
    const config = await this.loading;
    const server = (config.getCurrentCluster()?.server ?? '').replace(/\/+$/, '');
    const context = new RequestContext(server + path, method);
    await config.applyTo(context, 'calls');
    return context;
  }

  private async askNow(
    path: string,
    signal: AbortSignal,
    posted?: Posted,
  ): Promise<Answer | Unseen> {
    const method = posted === undefined ? HttpMethod.GET : HttpMethod.POST;
    const context = await this.request(path, method).catch(unusable);
    if (context instanceof Unseen) return context;
    context.setHeaderParam('Accept', 'application/json');
    if (posted !== undefined) context.setHeaderParam('Content-Type', 'application/json');
    for (const [name, value] of Object.entries(posted?.headers ?? {})) {
      context.setHeaderParam(name, value);
    }
    try {
      const dispatcher = context.getDispatcher();
      const askedMs = Date.now();
      const response = await fetch(context.getUrl(), {
        method,
        headers: context.getHeaders(),
        redirect: 'manual',
        signal,
        ...(posted === undefined ? {} : { body: JSON.stringify(posted.body) }),
        ...(dispatcher === undefined ? {} : { dispatcher }),
      });
      const answeredMs = Date.now();
      const text = await response.text();
      if (text.length > ANSWER_BYTES_MAX) throw new RangeError('too long an answer');
      const { status, headers } = response;
      return { status, body: jsonOf(text), date: headers.get('date'), askedMs, answeredMs };
    } catch (error) {
      return away(error);
    }
  }

  async close(): Promise<void> {
    const config = await this.loading?.catch(() => undefined);
    await config?.destroy();
  }
}

/** Messages of kubeconfigs may quote what is in them: codes are told, not messages. */
function unusable(error: unknown): Unseen {
  return new Unseen(
    `the kubeconfig, or the credentials that it names, cannot be used${codeOf(error)}`,
    'check its path, its context, and the files and plugins that it names',
  );
}

function refused(what: string, status: number): Unseen {
  return status === 401
    ? new Unseen(
        'the API server does not take the credentials',
        'renew the token or the certificate in the kubeconfig',
      )
    : new Unseen(
        `these credentials may not ask ${what}`,
        'run it from a laptop with an administrator’s: hallpass doctor --kubeconfig FILE --namespaces a,b',
      );
}

function away(error: unknown): Unseen {
  return new Unseen(
    `the API server cannot be reached${codeOf(error)}`,
    'check the address in the kubeconfig, its certificates, and the network on the way there',
  );
}

function codeOf(error: unknown): string {
  const causes = [error, error instanceof Error ? error.cause : undefined];
  const code = causes.flatMap((it) =>
    it instanceof Error && 'code' in it && typeof it.code === 'string' ? [it.code] : [],
  )[0];
  return code === undefined ? '' : ` (${code})`;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
