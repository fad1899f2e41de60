import { randomUUID } from 'node:crypto';
import { setTimeout as after } from 'node:timers/promises';
import { BUTTONS, buttonValue } from '../src/adapters/slack/button.value.js';
import { parseSessionId } from '../src/domain/session/session.js';
import type { SessionDetails } from '../src/contract/session.schema.js';
import type { Benchmark, Findings, Surroundings } from './benchmark.js';
import { IdlePods } from './idle.pods.js';
import { NAMESPACE } from './sessions.stage.js';
import type { SlackStage } from './slack.stage.js';
import { startSlackStage } from './slack.stage.js';
import { ALEX, ROBIN } from './slack.workspace.js';
import { hundredths, percentile, spread } from './statistics.js';

/** How much of it there is. */
export interface SlackExtent {
  readonly warmUp: number;
  readonly commands: number;
  /** Each while queries are on their way for so long, and while the database does not answer. */
  readonly slowCommands: number;
  readonly slowMs: number;
  /** By each of the ways in. */
  readonly consents: number;
}

const USUAL: SlackExtent = {
  warmUp: 10,
  commands: 300,
  slowCommands: 50,
  slowMs: 2_000,
  consents: 80,
};

const PODS_IN_TURN = 30;
const BETWEEN_MS = 20;
const HEALTHY_MS = 120_000;

/** How soon a modal opens, whatever the database does, and how soon a container is added after the last consent. */
export const slackBenchmark: Benchmark = {
  about: 'from `/debug` to the modal with a slow database, and from the last consent to the patch',
  run: (surroundings) => measureSlack(USUAL, surroundings),
};

type Found = Readonly<
  Record<'trip' | 'open' | 'filled' | 'slow' | 'stopped' | 'told' | 'slack' | 'rest', number[]>
>;

export async function measureSlack(
  extent: SlackExtent,
  { signal, say }: Surroundings,
): Promise<Findings> {
  signal.throwIfAborted();
  await using stage = await startSlackStage(say);
  const { warmUp, commands, slowCommands, slowMs, consents } = extent;
  const found: Found = {
    trip: [],
    open: [],
    filled: [],
    slow: [],
    stopped: [],
    told: [],
    slack: [],
    rest: [],
  };
  say(`${commands} commands, after ${warmUp}`);
  for (let turn = -warmUp; turn < commands; turn++) {
    signal.throwIfAborted();
    const [tripMs, { openMs, filledMs }] = [await trip(stage, turn), await command(stage, turn)];
    if (turn < 0) continue;
    found.trip.push(tripMs);
    found.open.push(openMs);
    found.filled.push(filledMs);
  }
  say(`${consents} consents in Slack and as many by the API, after ${warmUp}`);
  await consentsInTurn(stage, { found, extent, signal });
  const { line } = stage;
  say(`${slowCommands} commands while each query takes ${slowMs} ms longer`);
  line.delayMs = slowMs;
  await opened(stage, { found: found.slow, count: slowCommands, signal });
  line.delayMs = 0;
  await healthy(stage, signal);
  say(`${slowCommands} commands while the database does not answer`);
  line.stop();
  await opened(stage, { found: found.stopped, count: slowCommands, signal });
  line.resume();
  return findings(found, extent);
}

/** The same view, posted to the workspace straight: from sending it until all of it is there. */
async function trip({ workspace }: SlackStage, turn: number): Promise<number> {
  const trigger = `trip-${turn}`;
  const mark = workspace.mark();
  const fromMs = performance.now();
  const answered = fetch(`${workspace.url}views.open`, {
    method: 'POST',
    body: new URLSearchParams({ trigger_id: trigger, view: VIEW }),
  });
  const { arrivedMs } = await workspace.next(mark, ({ fields }) => isFor(fields, trigger));
  await (await answered).text();
  return arrivedMs - fromMs;
}

/** About as long as the view that is opened. */
const VIEW = JSON.stringify({ type: 'modal', blocks: [{ text: 'x'.repeat(250) }] });

/** A command: until the modal opens, and until it shows what there is to ask for. */
async function command({ workspace, slack }: SlackStage, turn: number) {
  const trigger = `command-${turn}`;
  const mark = workspace.mark();
  const fromMs = performance.now();
  const answered = slack.command(ROBIN, { text: '', trigger });
  const open = await workspace.next(mark, ({ fields }) => isFor(fields, trigger));
  const filled = await workspace.next(mark, ({ method }) => method === 'views.update');
  await answered;
  return { openMs: open.arrivedMs - fromMs, filledMs: filled.arrivedMs - fromMs };
}

/** Commands, of each of which only the modal is waited for. */
async function opened(
  { workspace, slack }: SlackStage,
  args: { readonly found: number[]; readonly count: number; readonly signal: AbortSignal },
): Promise<void> {
  const { found, count, signal } = args;
  for (let turn = 0; turn < count; turn++) {
    signal.throwIfAborted();
    // Two that are alike in the same second are taken for one that was posted again.
    const trigger = `late-${randomUUID()}`;
    const mark = workspace.mark();
    const fromMs = performance.now();
    const answered = slack.command(ROBIN, { text: '', trigger });
    const { arrivedMs } = await workspace.next(mark, ({ fields }) => isFor(fields, trigger));
    found.push(arrivedMs - fromMs);
    await answered;
    await after(BETWEEN_MS);
  }
}

function isFor(fields: URLSearchParams, trigger: string): boolean {
  return fields.get('trigger_id') === trigger;
}

/** Consents by both ways in turn, so that whatever else the machine does meets both alike. */
async function consentsInTurn(
  stage: SlackStage,
  args: { readonly found: Found; readonly extent: SlackExtent; readonly signal: AbortSignal },
): Promise<void> {
  const { found, extent, signal } = args;
  await using pods = await IdlePods.add(stage.cluster, { prefix: 'asked', count: PODS_IN_TURN });
  const total = extent.consents + extent.warmUp;
  for (let turn = 0; turn < total; turn++) {
    signal.throwIfAborted();
    const slack = await consent(stage, pods.at(2 * turn), (asked) => press(stage, asked, turn));
    const rest = await consent(stage, pods.at(2 * turn + 1), async (asked) => {
      await stage.alex.decide(asked, 'approve');
    });
    if (turn < extent.warmUp) continue;
    found.told.push(slack.toldMs, rest.toldMs);
    found.slack.push(slack.patchMs);
    found.rest.push(rest.patchMs);
  }
}

async function press({ slack }: SlackStage, asked: SessionDetails, turn: number): Promise<void> {
  const id = parseSessionId(asked.id);
  if (id === undefined) throw new Error(`${asked.id} is the id of no session`);
  const value = buttonValue({ id, version: asked.version });
  await slack.interaction(ALEX, `press-${turn}`, {
    type: 'block_actions',
    channel: { id: 'C0APPROVALS' },
    actions: [{ type: 'button', action_id: BUTTONS.approve, block_id: 'b', value }],
  });
}

/**
 * A session that waits for one consent: from asking until its message arrives in the channel, and from giving the consent
 * until the patch arrives at the API server.
 */
async function consent(
  { workspace, cluster, robin }: SlackStage,
  pod: string,
  give: (asked: SessionDetails) => Promise<void>,
): Promise<{ readonly toldMs: number; readonly patchMs: number }> {
  const mark = workspace.mark();
  const askedMs = performance.now();
  const asked = await robin.ask({
    namespace: NAMESPACE,
    target: { pod },
    profile: 'shell',
    reason: 'to see how long it takes',
    durationSeconds: 600,
  });
  // Then all is said of the request, and none of that is in what is measured next.
  const { arrivedMs } = await workspace.next(
    mark,
    ({ method, fields }) =>
      method === 'chat.postMessage' && (fields.get('blocks') ?? '').includes(asked.id),
  );
  await after(BETWEEN_MS);
  cluster.requests.clear();
  const fromMs = performance.now();
  await give(asked);
  await robin.until(asked.id, ['active']);
  const path = new RegExp(`/pods/${pod}/ephemeralcontainers`);
  const [patch] = cluster.requests.find({ method: 'PATCH', path });
  if (!patch) throw new Error(`no container was added to ${pod}`);
  await robin.act(asked.id, 'end');
  await robin.until(asked.id, ['ended']);
  return { toldMs: arrivedMs - askedMs, patchMs: patch.arrivedMs - fromMs };
}

/** Until the broker has worked off what waited for its database. */
async function healthy({ robin }: SlackStage, signal: AbortSignal): Promise<void> {
  const limit = performance.now() + HEALTHY_MS;
  while (performance.now() < limit) {
    signal.throwIfAborted();
    const answer = await robin.call('GET', '/v1/sessions?limit=1').catch(() => undefined);
    if (answer?.status === 200) return;
    await after(BETWEEN_MS);
  }
  throw new Error('the broker does not come back to its database');
}

function findings(found: Found, { warmUp, slowMs }: SlackExtent): Findings {
  const { trip, open, filled, slow, stopped, told, slack, rest } = found;
  const median = (values: readonly number[]) => percentile(values, 50);
  const toTrip = (what: string, values: readonly number[]) =>
    ratio(`${what} / straight to the workspace`, median(values) / median(trip));
  return {
    measures: {
      trip: ms('a view, straight to the workspace', trip),
      commandToModal: ms('command to modal', open),
      commandToForm: ms('… to the form that is filled in', filled),
      commandToModalSlow: ms(`command to modal, each query ${slowMs} ms longer`, slow),
      commandToModalStopped: ms('command to modal, the database stopped', stopped),
      askedToMessage: ms('asked to the message in the channel', told),
      slackToPatch: ms('last consent to patch, in Slack', slack),
      restToPatch: ms('last consent to patch, by the API', rest),
    },
    ratios: {
      modalToTrip: toTrip('command to modal', open),
      slowModalToTrip: toTrip('… each query slow', slow),
      stoppedModalToTrip: toTrip('… the database stopped', stopped),
      slackToRest: ratio('consent to patch, in Slack / by the API', median(slack) / median(rest)),
    },
    facts: { warmUp, slowMs },
  };
}

function ms(what: string, values: readonly number[]) {
  const worst = hundredths(percentile(values, 100));
  return { what, unit: 'ms', ...spread(values), worst } as const;
}

function ratio(what: string, value: number) {
  return { what, value: hundredths(value) };
}
