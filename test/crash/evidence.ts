import { readdirSync, readFileSync } from 'node:fs';
import type pg from 'pg';
import { z } from 'zod';
import type { Pod } from '../../sandbox/cluster/pod.schema.js';
import type { StandInCluster } from '../../sandbox/cluster/stand-in.cluster.js';
import type { EndReason } from '../../src/domain/session/session.machine.js';
import { TRANSITIONS } from '../../src/domain/session/session.machine.js';

const Rows = z.object({
  sessions: z.array(
    z.object({
      id: z.string(),
      version: z.number(),
      state: z.string(),
      endReason: z.string().nullable(),
      leased: z.boolean(),
    }),
  ),
  events: z.array(
    z.object({ seq: z.number(), event: z.string(), from: z.string(), to: z.string() }),
  ),
  audits: z.array(z.object({ action: z.string(), version: z.number(), at: z.coerce.date() })),
});

/** What is stored of the session that was asked for on one Pod, in the order in which it was written. */
export type Stored = z.infer<typeof Rows>;

const STORED = `WITH s AS (SELECT * FROM sessions WHERE request #>> '{target,name}' = $1)
SELECT
  (SELECT coalesce(jsonb_agg(jsonb_build_object('id', id, 'version', version, 'state', state, 'endReason', end_reason,
     'leased', lease_owner IS NOT NULL AND lease_until > now())), '[]') FROM s) AS sessions,
  (SELECT coalesce(jsonb_agg(jsonb_build_object('seq', seq, 'event', event, 'from', from_state,
     'to', to_state) ORDER BY seq), '[]')
   FROM session_events WHERE session_id IN (SELECT id FROM s)) AS events,
  (SELECT coalesce(jsonb_agg(jsonb_build_object('action', action, 'at', at, 'version', version)
     ORDER BY version), '[]')
   FROM (SELECT action, at, convert_from(body, 'UTF8')::jsonb #> '{data,version}' AS version
         FROM audit_events WHERE session_id IN (SELECT id FROM s)) a) AS audits`;

/** Reads it as the superuser, who sees whatever there is. */
export async function readStored(superuser: pg.Pool, podName: string): Promise<Stored> {
  return Rows.parse((await superuser.query(STORED, [podName])).rows[0]);
}

/** Everything that can be known of a session without asking a broker. */
export interface Evidence {
  readonly stored: Stored;
  /** Undefined where it is gone. */
  readonly pod: Pod | undefined;
  /** When the cluster answered that it had added a container to the Pod. */
  readonly addedAt: readonly Date[];
  /** The processes of this machine that belong to the session. */
  readonly processes: readonly number[];
}

export async function gather(args: {
  readonly superuser: pg.Pool;
  readonly cluster: StandInCluster;
  readonly namespace: string;
  readonly podName: string;
}): Promise<Evidence> {
  const { cluster, namespace, podName } = args;
  // The Pod first: what it holds now must have its row in what is read after it.
  const pod = cluster.pod(namespace, podName);
  const stored = await readStored(args.superuser, podName);
  return {
    stored,
    pod,
    get addedAt() {
      const path = new RegExp(`/namespaces/${namespace}/pods/${podName}/ephemeralcontainers`);
      return cluster.requests.find({ method: 'PATCH', path, status: 200 }).map(({ at }) => at);
    },
    get processes() {
      return stored.sessions.flatMap(({ id }) => processesOf(id));
    },
  };
}

/** The processes that run in a session's container, by the name of the session in their environment. */
export function processesOf(sessionId: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => environmentOf(pid).includes(`HALLPASS_SESSION=${sessionId}\0`))
    .map(Number);
}

function environmentOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8');
  } catch {
    return ''; // It has ended, or is another user's.
  }
}

type Promises = Readonly<Record<string, (it: Evidence) => boolean>>;

/** The steps that say which container is about to be added. */
const ANNOUNCING: ReadonlySet<string> = new Set(['session.start', 'session.extend']);

/** What holds at any moment, whoever was killed just before. */
export const ALWAYS: Promises = {
  'there is one session, or none': ({ stored }) => stored.sessions.length <= 1,
  'the Pod has no debug container that was not announced': ({ stored, pod }) =>
    containersOf(pod).length <= stored.audits.filter(({ action }) => ANNOUNCING.has(action)).length,
  'a container has the audit row of its start': ({ stored, pod, addedAt }) =>
    (containersOf(pod).length === 0 && addedAt.length === 0) || startOf(stored) !== undefined,
  'that row is from before the container': ({ stored, addedAt: [first] }) =>
    first === undefined || (startOf(stored)?.at ?? Infinity) <= first,
  'the steps are a path through the table': ({ stored: { events } }) =>
    events.every(
      ({ seq, event, from, to }, index) =>
        seq === index + 1 &&
        from === (events[index - 1]?.to ?? 'new') &&
        TRANSITIONS.some((row) => row.event === event && row.from === from && row.to === to),
    ),
  'the session is where its last step led': ({ stored: { sessions, events } }) =>
    sessions.every(
      ({ state, version }) => version === events.length && state === events.at(-1)?.to,
    ),
  'each step has one audit event, and each audit event its step': ({ stored }) =>
    stored.audits.map(({ action, version }) => `${version} ${action}`).join() ===
    stored.events.map(({ seq, event }) => `${seq} session.${event}`).join(),
};

/** What holds in addition when a session has ended. */
export const IN_THE_END: Promises = {
  'the session has ended': ({ stored: { sessions } }) =>
    sessions.length === 1 && sessions[0]?.state === 'ended',
  'nobody holds it': ({ stored: { sessions } }) => sessions.every(({ leased }) => !leased),
  'its container has terminated or never ran': ({ pod }) =>
    (pod?.status.ephemeralContainerStatuses ?? []).every(({ state }) => !state.running),
  'no process of it is left': ({ processes }) => processes.length === 0,
};

/**
 * What holds of the reason that a session ended for: it is one of these, or the start failed, and it had. That may be so
 * wherever the first broker died before it was started, and the next one came when it was too late.
 */
export function endedFor(reasons: readonly EndReason[]): Promises {
  return {
    [`it ended for a reason that is true: ${reasons.join(' or ')}`]: ({ stored, pod }) =>
      stored.sessions.every(
        ({ endReason }) =>
          reasons.some((reason) => reason === endReason) ||
          (endReason === 'start-failed' && !hasRun(pod)),
      ),
  };
}

/** Whether a debug container ran for more than a moment: one that is started too late exits at once. */
function hasRun(pod: Pod | undefined): boolean {
  return (pod?.status.ephemeralContainerStatuses ?? []).some(({ state }) => {
    const { startedAt, finishedAt } = state.terminated ?? {};
    return Date.parse(finishedAt ?? '') - Date.parse(startedAt ?? '') >= 2_000;
  });
}

/** The promises that the evidence breaks. */
export function broken(promises: Promises, evidence: Evidence): string[] {
  return Object.entries(promises).flatMap(([promise, holds]) => (holds(evidence) ? [] : [promise]));
}

function containersOf(pod: Pod | undefined) {
  return pod?.spec.ephemeralContainers ?? [];
}

function startOf({ audits }: Stored) {
  return audits.find(({ action }) => action === 'session.start');
}
