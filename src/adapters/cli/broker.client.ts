import { setTimeout as pause } from 'node:timers/promises';
import type { z } from 'zod';
import { ProblemDocument } from '../../contract/problem.schema.js';
import type { ClientWorld } from './client.world.js';
import { codesOf, distrustedAt } from './certificate.trust.js';
import { CommandFailure, refusal } from './command.failure.js';
import { EXIT } from './exit.codes.js';
import { knownAnswer } from './known.answer.js';

/** Gives the access token for a call; `fresh`: the one before was not taken. */
export type TokenSource = (fresh: boolean) => Promise<string | undefined>;

export interface BrokerCall {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly query?: Readonly<Record<string, string | number | readonly string[] | undefined>>;
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** What the broker answered: as this version reads it, as it came, and what its headers say of a session. */
export interface BrokerAnswer<T> {
  readonly value: T;
  readonly raw: unknown;
  readonly etag: string | undefined;
  /** Whether it was there before, and is like what was asked for, of which nothing was made. */
  readonly alike: boolean;
}

const PATIENCE_MS = 30_000;
/** How long to wait before each further try: a replica that went away is out of a Service's way within a second or so. */
const AGAIN_MS = [200, 800] as const;
const ANSWER_BYTES_MAX = 32 * 1024 * 1024;

/** The broker's API, as `/openapi.json` has it. Refusals are thrown, as {@link CommandFailure}s with its own words. */
export class BrokerClient {
  /** What says that no Hallpass answered at this address: of a token that could not be had, nothing is sent again. */
  private readonly broken = new WeakSet<Error>();

  constructor(
    /** Without a slash at the end. */
    readonly server: string,
    private readonly token: TokenSource,
    private readonly world: Pick<ClientWorld, 'version' | 'env'>,
  ) {}

  /**
   * Calls an operation that answers with JSON. Where the connection breaks, as when a replica dies, what is done once
   * however often it is sent is sent again: reading, and what has an `Idempotency-Key`.
   */
  async call<T extends z.ZodType>(
    path: string,
    answers: T,
    call: BrokerCall = {},
  ): Promise<BrokerAnswer<z.output<T>>> {
    const patience = AbortSignal.timeout(PATIENCE_MS);
    const signal = call.signal ? AbortSignal.any([call.signal, patience]) : patience;
    const { text, headers } = await this.answered(path, { ...call, signal }, signal);
    const raw = json(text);
    const value = knownAnswer(answers, raw);
    if (value === undefined) {
      throw new CommandFailure(
        EXIT.trouble,
        `${this.server} answered with what this hallpass (${this.world.version}) does not understand: is it a Hallpass, and is there a newer hallpass?`,
      );
    }
    return {
      value,
      raw,
      etag: headers.get('etag') ?? undefined,
      alike: headers.get('hallpass-existing') === 'alike',
    };
  }

  /** Calls an operation whose answer is read as it comes: a stream of events, a recording. */
  async stream(path: string, call: BrokerCall = {}): Promise<Response> {
    return this.send(path, call);
  }

  private async answered(path: string, call: BrokerCall, signal: AbortSignal) {
    const waits = isDoneOnce(call) ? [...AGAIN_MS] : [];
    for (;;) {
      try {
        const response = await this.send(path, call);
        const text = await boundedText(response).catch((error: unknown) => {
          throw this.unreachable(error);
        });
        return { text, headers: response.headers };
      } catch (error) {
        const wait = this.isBroken(error) && !signal.aborted ? waits.shift() : undefined;
        if (wait === undefined) throw error;
        await pause(wait, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  /** Sends it, once more with a fresh token where the first was not taken. */
  private async send(path: string, call: BrokerCall): Promise<Response> {
    const response = await this.once(path, call, false);
    if (response.status !== 401) return this.accepted(response);
    await response.body?.cancel();
    return this.accepted(await this.once(path, call, true));
  }

  private async once(path: string, call: BrokerCall, fresh: boolean): Promise<Response> {
    const token = await this.token(fresh);
    const { method = 'GET', body, headers = {}, signal } = call;
    const { traceparent } = this.world.env;
    const url = new URL(this.server + path);
    for (const [name, value] of Object.entries(call.query ?? {})) {
      for (const one of [value ?? []].flat()) url.searchParams.append(name, String(one));
    }
    return fetch(url, {
      method,
      // The token is for this address and for none that it may lead to.
      redirect: 'manual',
      headers: {
        accept: 'application/json, application/problem+json',
        'user-agent': `hallpass/${this.world.version}`,
        ...(traceparent === undefined ? {} : { traceparent }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal ? { signal } : {}),
    }).catch((error: unknown) => {
      throw this.unreachable(error);
    });
  }

  private async accepted(response: Response): Promise<Response> {
    if (response.ok) return response;
    const problem = knownAnswer(ProblemDocument, json(await boundedText(response).catch(() => '')));
    if (problem) throw refusal(problem);
    throw this.noted(
      new CommandFailure(
        response.status >= 500 ? EXIT.unreachable : EXIT.trouble,
        `${this.server} answered ${response.status}, which no Hallpass says: check the address, and what stands between.`,
      ),
    );
  }

  private unreachable(cause: unknown): CommandFailure {
    return this.noted(unreachableAt(this.server, cause));
  }

  private noted(failure: CommandFailure): CommandFailure {
    if (failure.exit === EXIT.unreachable) this.broken.add(failure);
    return failure;
  }

  /** Whether nothing of Hallpass answered: no connection, a broken one, or words of what stands between. */
  private isBroken(error: unknown): boolean {
    return error instanceof Error && this.broken.has(error);
  }
}

/** Whether it is the same to the broker how often it is sent. */
function isDoneOnce({ method = 'GET', headers = {} }: BrokerCall): boolean {
  return method === 'GET' || 'idempotency-key' in headers;
}

/** Nothing answers there. The reason is the system's own word, such as ECONNREFUSED. */
export function unreachableAt(server: string, error: unknown): CommandFailure {
  const distrusted = distrustedAt(server, error);
  if (distrusted) return distrusted;
  const code = codesOf(error)[0];
  return new CommandFailure(
    EXIT.unreachable,
    `${server} does not answer${code === undefined ? '' : ` (${code})`}: check the address and the network, and try again.`,
    undefined,
    { cause: error },
  );
}

async function boundedText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  if (!response.body) return '';
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > ANSWER_BYTES_MAX) throw new Error('the answer is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
