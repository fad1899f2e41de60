import type { ChildProcessByStdio } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { RequestOptions } from 'node:https';
import type { Readable } from 'node:stream';
import type { KubeConfig, User } from '@kubernetes/client-node';
import { z } from 'zod';
import { environmentWith } from '../../config/environment.js';

/** How a user whose credentials a plugin gets is marked: client-node 2.0.1 would run the plugin itself, and never end it. */
const MARK = 'credential-plugin';
/** A token and two certificates are never near this. */
const OUTPUT_CHARACTERS_MAX = 1024 * 1024;
const COMPLAINT_CHARACTERS_MAX = 1_000;
/**
 * After one that was killed the next waits for so long, and each time after twice as long, to the longest. What a killed one
 * had begun is left to process 1, and where that is Node it stays as a zombie, which is one process fewer for the Pod.
 */
const REST_MS_FIRST = 5_000;
const REST_MS_LONGEST = 30_000;

/** It was killed. */
class GivenUp extends Error {}

type Authenticator = Parameters<KubeConfig['addAuthenticator']>[0];

/** The part of a user's `exec` (client.authentication.k8s.io) that is heeded. */
const Command = z.object({
  apiVersion: z.string().nullish(),
  command: z.string().min(1),
  args: z.array(z.string()).nullish(),
  env: z.array(z.object({ name: z.string(), value: z.string() })).nullish(),
});

const Credential = z.object({
  status: z.object({
    token: z.string().nullish(),
    clientCertificateData: z.string().nullish(),
    clientKeyData: z.string().nullish(),
    expirationTimestamp: z.string().nullish(),
  }),
});
type Credential = z.infer<typeof Credential>['status'];

/** The same user, where a plugin gets its credentials in such a way that {@link CredentialPlugin} runs it. */
export function byPlugin(user: User): User {
  const plugin: unknown = user.exec ?? configOf(user)?.exec;
  if (!plugin) return user;
  return { ...user, exec: undefined, authProvider: { name: MARK, config: { plugin } } };
}

const Config = z.looseObject({ exec: z.unknown().optional(), plugin: z.unknown().optional() });

function configOf({ authProvider }: User): z.infer<typeof Config> | undefined {
  return z.object({ config: Config }).safeParse(authProvider).data?.config;
}

/**
 * Runs the plugin that gets the credentials of one user, and keeps what it said until that expires. One process at a
 * time, for all who ask: one that hangs is killed with all that it began, and the next waits until it is gone, and a while
 * longer, in which whoever asks is told at once what became of it.
 */
export class CredentialPlugin implements Authenticator {
  private kept: Credential | undefined;
  private running: Promise<Credential> | undefined;
  private rest:
    { readonly ms: number; readonly untilMs: number; readonly why: GivenUp } | undefined;
  private lane: { last: Promise<unknown> } = { last: Promise.resolve() };

  /** @param limitMs how long it may take. */
  constructor(private readonly limitMs: number) {}

  /** From now on only one of both has a process at a time. Nothing that was got before is used. */
  follow(before: CredentialPlugin): void {
    this.lane = before.lane;
  }

  isAuthProvider({ authProvider }: User): boolean {
    return z.object({ name: z.literal(MARK) }).safeParse(authProvider).success;
  }

  async applyAuthentication(user: User, options: RequestOptions): Promise<void> {
    this.running ??= this.credential(user).finally(() => {
      this.running = undefined;
    });
    const { token, clientCertificateData, clientKeyData } = await this.running;
    if (clientCertificateData) options.cert = clientCertificateData;
    if (clientKeyData) options.key = clientKeyData;
    if (token) options.headers = { ...options.headers, Authorization: `Bearer ${token}` };
  }

  private async credential(user: User): Promise<Credential> {
    if (this.kept && isFresh(this.kept)) return this.kept;
    if (this.rest && performance.now() < this.rest.untilMs) throw this.rest.why;
    const { apiVersion, command, args, env } = Command.parse(configOf(user)?.plugin);
    const started = this.lane.last.then(() =>
      // In a process group of its own: what it began goes with it.
      spawn(command, args ?? [], {
        env: environmentWith([told(apiVersion), ...(env ?? [])]),
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    );
    this.lane.last = started.then((child) => once(child, 'close')).catch(() => undefined);
    const output = await outputOf(await started, this.limitMs).catch((error: unknown) => {
      if (error instanceof GivenUp) this.restAfter(error);
      throw error;
    });
    this.rest = undefined;
    this.kept = readCredential(output);
    return this.kept;
  }

  private restAfter(why: GivenUp): void {
    const ms = Math.min(REST_MS_LONGEST, this.rest ? this.rest.ms * 2 : REST_MS_FIRST);
    this.rest = { ms, untilMs: performance.now() + ms, why };
  }
}

/**
 * What plugins are told of who runs them: in which version they are to answer, and that there is nobody to ask
 * (Kubernetes, "Authenticating", client-go credential plugins).
 */
function told(apiVersion: string | null | undefined): { name: string; value: string } {
  const info = { kind: 'ExecCredential', apiVersion, spec: { interactive: false } };
  return { name: 'KUBERNETES_EXEC_INFO', value: JSON.stringify(info) };
}

type Plugin = ChildProcessByStdio<null, Readable, Readable>;

/** What it prints, if it ends well and in time. @throws Error that quotes nothing of it but complaints. */
async function outputOf(child: Plugin, limitMs: number): Promise<string> {
  const ended = Promise.withResolvers<string>();
  // Where no process can be begun, for there are too many open files, it fails before anybody waits for it.
  ended.promise.catch(() => undefined);
  const fail = (why: string) => ended.reject(new Error(`the credential plugin ${why}`));
  const giveUp = (why: string) => {
    ended.reject(new GivenUp(`the credential plugin ${why}`));
    kill(child);
  };
  let output = '';
  let complaint = '';
  child.on('error', ({ message }) => fail(`cannot be run: ${message}`));
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    if (output.length > OUTPUT_CHARACTERS_MAX) giveUp('says more than any credentials are');
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-COMPLAINT_CHARACTERS_MAX);
  });
  child.on('close', (code, signal) => {
    if (code === 0) ended.resolve(output);
    else fail(`ended with ${code ?? signal ?? 'nothing'}: ${complaint}`);
  });
  const timer = setTimeout(() => giveUp(`did not end within ${limitMs} ms`), limitMs);
  return ended.promise.finally(() => clearTimeout(timer));
}

/** Ends it and its group, which is there as long as it has not closed. Who got away is not listened to any more. */
function kill(child: Plugin): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  } catch {
    // All of them are gone.
  }
  child.stdout.destroy();
  child.stderr.destroy();
}

function readCredential(output: string): Credential {
  try {
    return Credential.parse(JSON.parse(output)).status;
  } catch {
    // What parsers say quotes what they stumbled over.
    throw new Error('the credential plugin printed no ExecCredential');
  }
}

function isFresh({ expirationTimestamp }: Credential): boolean {
  return !expirationTimestamp || Date.parse(expirationTimestamp) > Date.now();
}
