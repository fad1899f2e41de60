import type { ApiClient } from '../sandbox/broker/api.client.js';
import type { Benchmark, Findings, Surroundings } from './benchmark.js';
import { DirectContainers } from './direct.container.js';
import { IdlePods } from './idle.pods.js';
import type { Stage } from './sessions.stage.js';
import { startStage } from './sessions.stage.js';
import type { Span } from './statistics.js';
import { hundredths, percentile, spread } from './statistics.js';
import { RunningNotes, timedSession } from './timed.session.js';

const WARM_UP = 20;
const ONE_BY_ONE = 200;
const PODS_IN_TURN = 40;
const INSERTS_EACH = 5;
const AT_ONCE = 50;
const AT_ONCE_TOTAL = 300;

/** About as much as an entry of the audit log. */
const INSERTED = 'x'.repeat(1_000);

/** How long it takes from asking to a container that runs, and how many sessions go through at once. */
export const sessionsBenchmark: Benchmark = {
  about: 'from asking to a running container: the broker’s share, and sessions at once',

  async run({ signal, say }: Surroundings): Promise<Findings> {
    await using stage = await startStage(say);
    signal.throwIfAborted();
    say(`${ONE_BY_ONE} sessions one after the other, after ${WARM_UP}`);
    const single = await oneByOne(stage, signal);
    const direct: Trial = async (pods, place) => {
      await single.direct.timed(pods.at(place));
    };
    const asked: Trial = async (pods, place) => {
      await timedSession(clientOf(stage, place), pods.at(place));
    };
    say(`${AT_ONCE_TOTAL} containers without Hallpass, ${AT_ONCE} at once, after ${AT_ONCE}`);
    const directRate = await atOnce({ stage, signal, trial: direct, prefix: 'direct' });
    say(`${AT_ONCE_TOTAL} sessions, ${AT_ONCE} at once, after ${AT_ONCE}`);
    const rate = await atOnce({ stage, signal, trial: asked, prefix: 'asked' });
    return findings({ ...single.found, rate, directRate, postgresql: stage.postgresql });
  },
};

type Trial = (pods: IdlePods, place: number) => Promise<void>;

interface Single {
  readonly totalMs: number[];
  readonly clusterMs: number[];
  readonly brokerMs: number[];
  readonly insertMs: number[];
  readonly directMs: number[];
}

/** Sessions, direct containers and inserts in turn, so that whatever else the machine does meets all three alike. */
async function oneByOne(
  stage: Stage,
  signal: AbortSignal,
): Promise<{ readonly found: Single; readonly direct: DirectContainers }> {
  const { cluster, database } = stage;
  const client = clientOf(stage, 0);
  await using pods = await IdlePods.add(cluster, { prefix: 'turn', count: PODS_IN_TURN });
  await timedSession(client, pods.at(0));
  const direct = new DirectContainers(cluster, pods.at(0));
  using notes = new RunningNotes(cluster);
  let found = nothing();
  for (let turn = -WARM_UP; turn < ONE_BY_ONE; turn++) {
    signal.throwIfAborted();
    if (turn === 0) found = nothing();
    const pod = pods.at(turn + WARM_UP);
    for (let insert = 0; insert < INSERTS_EACH; insert++) {
      const fromMs = performance.now();
      await database.pool.query('INSERT INTO bench (line) VALUES ($1)', [INSERTED]);
      found.insertMs.push(performance.now() - fromMs);
    }
    found.directMs.push(length(await direct.timed(pod)));
    cluster.requests.clear();
    const session = await timedSession(client, pod);
    const totalMs = length(session.askToActive);
    const clusterMs = notes.clusterMs(session, pod);
    found.totalMs.push(totalMs);
    found.clusterMs.push(clusterMs);
    found.brokerMs.push(totalMs - clusterMs);
  }
  return { found, direct };
}

function nothing(): Single {
  return { totalMs: [], clusterMs: [], brokerMs: [], insertMs: [], directMs: [] };
}

/** Makes the trial again and again, so many at once, each on a Pod of its own. Gives how many ended per second. */
async function atOnce(args: {
  readonly stage: Stage;
  readonly signal: AbortSignal;
  readonly trial: Trial;
  readonly prefix: string;
}): Promise<number> {
  const { stage, signal, trial, prefix } = args;
  await using pods = await IdlePods.add(stage.cluster, { prefix, count: AT_ONCE });
  const make = async (total: number): Promise<number> => {
    let begun = 0;
    const fromMs = performance.now();
    const places = Array.from({ length: AT_ONCE }, async (_, place) => {
      while (begun++ < total) {
        signal.throwIfAborted();
        await trial(pods, place);
      }
    });
    // All of them, so that nothing is under way any more when one has failed.
    const ends = await Promise.allSettled(places);
    const failed = ends.find((end) => end.status === 'rejected');
    if (failed) throw failed.reason;
    return total / ((performance.now() - fromMs) / 1000);
  };
  await make(AT_ONCE);
  return await make(AT_ONCE_TOTAL);
}

function findings(
  found: Single & {
    readonly rate: number;
    readonly directRate: number;
    readonly postgresql: string;
  },
): Findings {
  const { totalMs, clusterMs, brokerMs, insertMs, directMs, rate, directRate } = found;
  const median = (values: readonly number[]) => percentile(values, 50);
  return {
    measures: {
      askToActive: ms('asking to active', totalMs),
      clusterShare: ms('… of which the cluster', clusterMs),
      brokerShare: ms('… of which all the rest: the broker', brokerMs),
      insert: ms('one committed insert', insertMs),
      directAskToRunning: ms('patch to running, without Hallpass', directMs),
      sessionsAtOnce: perSecond(`sessions, ${AT_ONCE} at once, asked to ended`, rate),
      directAtOnce: perSecond(`containers, ${AT_ONCE} at once, without Hallpass`, directRate),
    },
    ratios: {
      brokerShareToInsert: ratio('broker’s share / insert', median(brokerMs) / median(insertMs)),
      askToActiveToDirect: ratio(
        'asking to active / patch to running',
        median(totalMs) / median(directMs),
      ),
      sessionsToDirectAtOnce: ratio(
        'sessions / containers without Hallpass, at once',
        rate / directRate,
      ),
    },
    facts: { postgresql: found.postgresql, warmUp: WARM_UP, atOnce: AT_ONCE },
  };
}

function ms(what: string, values: readonly number[]) {
  return { what, unit: 'ms', ...spread(values) } as const;
}

function perSecond(what: string, value: number) {
  return { what, unit: '/s', count: AT_ONCE_TOTAL, value: hundredths(value) } as const;
}

function ratio(what: string, value: number) {
  return { what, value: hundredths(value) };
}

function length({ fromMs, toMs }: Span): number {
  return toMs - fromMs;
}

function clientOf({ clients }: Stage, place: number): ApiClient {
  const client = clients[place % clients.length];
  if (!client) throw new Error('nobody asks');
  return client;
}
