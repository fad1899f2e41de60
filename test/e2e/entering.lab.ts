import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { expect } from 'vitest';
import type { ApiClient } from '../../sandbox/broker/api.client.js';
import type { Surroundings } from '../../sandbox/broker/broker.config.js';
import { uniqueName } from '../../sandbox/cluster/stand-in.cluster.js';
import type { ClusterOptions } from '../../sandbox/cluster/stand-in.cluster.js';
import { PEOPLE } from '../../sandbox/identity/people.js';
import type { PersonKey } from '../../sandbox/identity/people.js';
import type { Caller } from '../../src/app/caller.js';
import type { Entry, Notice, OpenStream, StreamEnd } from '../../src/app/enter-session.js';
import type { Broker, BrokerOptions } from '../../src/broker.js';
import type { NewSession, SessionDetails } from '../../src/contract/session.schema.js';
import type { Person } from '../../src/domain/person.js';
import type { Problem } from '../../src/domain/problem.js';
import { isProblem } from '../../src/domain/problem.js';
import { parseSessionId } from '../../src/domain/session/session.js';
import type { SessionId } from '../../src/domain/session/session.js';
import { BrokerLab } from '../support/broker.lab.js';
import { MemoryPresence, MemoryRecorder } from '../support/in-memory.streams.js';

const IDLE = ['sleep', '3600'];
const NEVER = new AbortController().signal;

/** What the profiles are for, each with terms of its own. */
const TERMS = {
  plain: {},
  watched: { watcher: 'required' },
  narrow: { streams: 1, ways: ['console'], fileCopies: 'download' },
  idle: { idle: '5s' },
  lenient: { recording: 'best-effort' },
  asked: { approvals: { require: [{ groups: PEOPLE.approver.groups }] } },
  kept: {},
  screened: {},
  typed: {},
  extended: { extension: { times: 1, longest: '10m' } },
} as const;
export type Profile = keyof typeof TERMS;

/** Brokers on one database and one cluster, with recordings and watchers in memory, shared by all. */
export class EnteringLab implements AsyncDisposable {
  readonly recorder = new MemoryRecorder();
  readonly presence = new MemoryPresence();

  private constructor(
    readonly lab: BrokerLab,
    private readonly policies: string,
  ) {}

  static async start(cluster: ClusterOptions = {}): Promise<EnteringLab> {
    const lab = await BrokerLab.start({ cluster: { port: 0, ...cluster } });
    return new EnteringLab(lab, await writePolicies(join(lab.sandbox.folder, 'entering')));
  }

  get cluster() {
    return this.lab.sandbox.cluster;
  }

  /** One more replica. */
  broker(
    around: BrokerOptions['around'] = {},
    surroundings: Partial<Surroundings> = {},
  ): Promise<Broker> {
    return this.lab.broker({
      around: { recorder: () => this.recorder, presence: () => this.presence, ...around },
      surroundings: { policies: this.policies, ...surroundings },
    });
  }

  /** A session on a Pod of its own, as it was granted. */
  async ask(broker: Broker, profile: Profile = 'plain', more: Partial<NewSession> = {}) {
    const pod = uniqueName('web');
    const image = 'docker.io/library/busybox:1';
    this.cluster.addPod({ namespace: 'staging', name: pod, image, command: IDLE });
    await this.cluster.untilPod('staging', pod, (it) => it?.status.phase === 'Running');
    const robin = await this.lab.as('requester', broker);
    const asked = await robin.ask({
      namespace: 'staging',
      target: { pod },
      profile,
      reason: 'orders are stuck',
      durationSeconds: 300,
      ...more,
    });
    return { robin, pod, asked, id: idOf(asked) };
  }

  /** The same, once it is active. */
  async active(broker: Broker, profile: Profile = 'plain', more: Partial<NewSession> = {}) {
    const session = await this.ask(broker, profile, more);
    await session.robin.until(session.id, ['active']);
    return session;
  }

  person(key: PersonKey): Person {
    return { ...PEOPLE[key], iss: this.lab.sandbox.identity.issuer };
  }

  caller(key: PersonKey): Caller {
    return {
      actor: { kind: 'person', person: this.person(key), signIn: {}, channel: 'api' },
      roles: ['requester'],
    };
  }

  /** Enters as the requester with a shell in a terminal, unless told otherwise. */
  async enter(broker: Broker, session: SessionId, more: Partial<Entry> = {}): Promise<Inside> {
    const opened = await this.tryToEnter(broker, session, more);
    if (isProblem(opened)) throw new Error(`${opened.problem}: ${opened.detail}`);
    return new Inside(opened);
  }

  tryToEnter(
    broker: Broker,
    session: SessionId,
    more: Partial<Entry> & { readonly as?: PersonKey; readonly signal?: AbortSignal } = {},
  ): Promise<OpenStream | Problem> {
    const { as = 'requester', signal = NEVER, ...entry } = more;
    return broker.enter.enter(
      this.caller(as),
      {
        session,
        kind: 'terminal',
        way: 'console',
        command: null,
        tty: true,
        stdin: true,
        size: { columns: 100, rows: 40 },
        ...entry,
      },
      signal,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.lab[Symbol.asyncDispose]();
  }
}

/** One command without a terminal. */
export function command(script: string): Partial<Entry> {
  return { kind: 'exec', command: ['/bin/sh', '-c', script], tty: false };
}

/** Somebody who reads and types. */
export class Inside {
  readonly notices: Notice[] = [];
  text = '';
  bytes = 0;
  end: StreamEnd | undefined;
  readonly read: Promise<void>;

  constructor(readonly stream: OpenStream) {
    this.read = this.reads();
    void this.listens();
    void stream.ended.then((end) => (this.end = end));
  }

  get told(): string[] {
    return this.notices.map(({ kind }) => kind);
  }

  async type(line: string): Promise<void> {
    expect(await this.stream.write(Buffer.from(`${line}\n`))).toBe(true);
  }

  /** Until the shell does what it is told. */
  async answers(): Promise<void> {
    await this.type('echo answer-$((6 * 7))');
    await this.sees('answer-42');
  }

  /** Until that was shown. */
  async sees(wanted: string, timeout = 10_000): Promise<void> {
    await expect.poll(() => this.text, { timeout, interval: 10 }).toContain(wanted);
  }

  async hears(kind: Notice['kind'], timeout = 10_000): Promise<Notice> {
    await expect.poll(() => this.told, { timeout, interval: 10 }).toContain(kind);
    const notice = this.notices.find((it) => it.kind === kind);
    if (!notice) throw new Error('none');
    return notice;
  }

  private async reads(): Promise<void> {
    for await (const { data } of this.stream.output) {
      this.bytes += data.length;
      if (this.text.length < 1_000_000) this.text += Buffer.from(data).toString();
    }
  }

  private async listens(): Promise<void> {
    for await (const notice of this.stream.notices) this.notices.push(notice);
  }
}

/** Ends a session, so that none is left to be ended with the lab. */
export async function endSession(robin: ApiClient, id: string): Promise<void> {
  await robin.act(id, 'end');
  await robin.until(id, ['ended']);
}

function idOf({ id }: SessionDetails): SessionId {
  const parsed = parseSessionId(id);
  if (!parsed) throw new Error(id);
  return parsed;
}

async function writePolicies(folder: string): Promise<string> {
  const documents = Object.entries(TERMS).flatMap(([name, terms]) => [
    {
      apiVersion: 'hallpass/v1',
      kind: 'DebugProfile',
      metadata: { name },
      spec: {
        image: 'hallpass.sandbox/busybox:1',
        allowTag: true,
        debugProfile: 'baseline',
        ...(name === 'kept' ? { multiplexer: 'tmux' } : {}),
        ...(name === 'screened' ? { multiplexer: 'screen' } : {}),
        ...(name === 'typed' ? { recordInput: true } : {}),
      },
    },
    {
      apiVersion: 'hallpass/v1',
      kind: 'AccessPolicy',
      metadata: { name },
      spec: {
        effect: 'allow',
        match: { groups: PEOPLE.requester.groups, namespaces: ['staging'], profiles: [name] },
        terms: { longest: '10m', ...terms },
      },
    },
  ]);
  await mkdir(folder);
  await writeFile(
    join(folder, 'entering.yaml'),
    documents.map((document) => stringify(document)).join('---\n'),
  );
  return folder;
}
