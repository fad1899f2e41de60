import { join } from 'node:path';
import { readRates, verifyRates } from './audit.reads.js';
import type { Done } from './audit.reads.js';
import { searchTimes } from './audit.searches.js';
import { AuditStage } from './audit.stage.js';
import type { Writes } from './audit.writes.js';
import { sequencingDelays, writesInTurns } from './audit.writes.js';
import type { Benchmark, Findings, Measure, Ratio, Surroundings } from './benchmark.js';
import { hundredths, spread } from './statistics.js';

/** How much is measured. */
export interface AuditExtent {
  /** Numbers of events in the log, the fewest first. */
  readonly sizes: readonly number[];
  /** Events are written in so many rounds of so many, each in turn with plain inserts. */
  readonly rounds: number;
  readonly eachRound: number;
  /** Of events a second, while they are given their places. */
  readonly perSecond: number;
  readonly seconds: number;
  /** Of proofs, of tiles and of bundles. */
  readonly reads: number;
  /** A log of more is not taken out and verified: it would be on the disk once more. */
  readonly verifiedMax: number;
  readonly verifications: number;
  /** Of each kind of search. */
  readonly searches: number;
}

const USUAL: AuditExtent = {
  sizes: [10_000, 100_000, 1_000_000],
  rounds: 6,
  eachRound: 1_000,
  perSecond: 1_000,
  seconds: 8,
  reads: 2_000,
  verifiedMax: 10_000_000,
  verifications: 3,
  searches: 20,
};

/** What the audit log takes, and how that grows with it. */
export const auditBenchmark: Benchmark = {
  about: 'the audit log: writing, sequencing, proofs, verifying, searching, and how they grow',
  run: (around) => measureAudit({ ...USUAL, sizes: sizesTo(around.events) }, around),
};

function sizesTo(events = 1_000_000): number[] {
  const sizes: number[] = [];
  for (let size = 10_000; size < events; size *= 10) sizes.push(size);
  return [...sizes, events];
}

export async function measureAudit(extent: AuditExtent, around: Surroundings): Promise<Findings> {
  around.signal.throwIfAborted();
  around.say('starting PostgreSQL');
  await using stage = await AuditStage.start();
  const found: Found = { measures: {}, ratios: {}, facts: { postgresql: stage.postgresql } };
  for (const size of extent.sizes) {
    const of = { stage, extent, size, around, found };
    around.say(`filling the log up to ${size} events`);
    await stage.fillTo(size, around.signal);
    await search(of);
    await read(of);
    await write(of);
    await sequence(of);
    await stage.settle();
    // Last, for it leaves the disk busy.
    if (size <= extent.verifiedMax) await verify(of);
  }
  growth(extent, found);
  return found;
}

interface Found {
  readonly measures: Record<string, Measure>;
  readonly ratios: Record<string, Ratio>;
  readonly facts: Record<string, string | number>;
}

interface At {
  readonly stage: AuditStage;
  readonly extent: AuditExtent;
  readonly size: number;
  readonly around: Surroundings;
  readonly found: Found;
}

async function search({ stage, extent, size, around, found: { measures } }: At): Promise<void> {
  around.say(`searching ${size} events`);
  const { signal } = around;
  const times = await searchTimes(stage, { size, turns: extent.searches, signal });
  const all = [...times.values()].flat();
  measures[`search${size}`] = durations(`first page of any search, ${size} events`, all);
  for (const [name, ms] of times) {
    if (size === extent.sizes.at(-1)) {
      measures[`search${size} ${name}`] = durations(`… by ${name}`, ms);
    }
  }
}

async function read({ stage, extent, size, around, found: { measures } }: At): Promise<void> {
  around.say(`${extent.reads} proofs, tiles and bundles of ${size} events`);
  const { signal } = around;
  const rates = await readRates(stage, { size, reads: extent.reads, signal });
  measures[`proofs${size}`] = rate(`proofs, ${size} events`, rates.proofs);
  measures[`tiles${size}`] = rate('… tiles', rates.tiles);
  measures[`bundles${size}`] = rate('… bundles of 256 events', rates.bundles);
}

async function verify({ stage, extent, size, around, found }: At): Promise<void> {
  around.say(`taking out and verifying ${size} events, ${extent.verifications} times`);
  const folder = join(stage.folder, 'export');
  const { signal } = around;
  const rates = await verifyRates(stage, { folder, rounds: extent.verifications, signal });
  found.measures[`exported${size}`] = rate(`events taken out, ${size} events`, rates.taken);
  found.measures[`verified${size}`] = rate('… verified', rates.verify);
  found.measures[`hashed${size}`] = rate('… hashed, and no more', rates.sha256);
  found.ratios[`verifiedToHashed${size}`] = {
    what: `events verified / hashed, ${size} events`,
    value: hundredths(rates.verify.perSecond / rates.sha256.perSecond),
  };
}

async function write({ stage, extent, size, around, found }: At): Promise<void> {
  const { rounds, eachRound: each } = extent;
  around.say(`writing ${rounds} times ${each} events to ${size}, and plain rows`);
  const { append, plain } = await writesInTurns(stage, { rounds, each, signal: around.signal });
  found.measures[`append${size}`] = durations(`writing one event, ${size} events`, append.eachMs);
  found.measures[`plain${size}`] = durations('… plain INSERT of the same', plain.eachMs);
  found.measures[`appended${size}`] = rate(`events written, ${size} events`, done(append));
  found.measures[`inserted${size}`] = rate('… plain INSERTs', done(plain));
  found.ratios[`appendToPlain${size}`] = {
    what: `events written / plain INSERTs, ${size} events`,
    value: hundredths(done(append).perSecond / done(plain).perSecond),
  };
}

async function sequence({ stage, extent, size, around, found }: At): Promise<void> {
  const { perSecond, seconds } = extent;
  around.say(`sequencing ${perSecond} events a second for ${seconds} s`);
  const { signal } = around;
  const delays = await sequencingDelays(stage, { perSecond, seconds, signal });
  found.measures[`delay${size}`] = durations(
    `committed to under a checkpoint, ${size} events`,
    delays.delaysMs,
  );
  found.measures[`sequenced${size}`] = rate('… of these, written', {
    count: delays.delaysMs.length,
    perSecond: delays.reachedPerSecond,
  });
}

/** Each at most events beside each at the fewest. */
function growth({ sizes }: AuditExtent, { measures, ratios }: Found): void {
  const [fewest, most] = [sizes[0], sizes.at(-1)];
  for (const name of ['search', 'append', 'delay', 'proofs', 'tiles', 'bundles'] as const) {
    const [few, many] = [measures[`${name}${fewest}`], measures[`${name}${most}`]];
    if (!few || !many) continue;
    ratios[`${name}MostToFewest`] = {
      what: `${name} with ${most} events / with ${fewest}`,
      value: hundredths(middle(many) / middle(few)),
    };
  }
}

function middle(measure: Measure): number {
  return measure.unit === 'ms' ? measure.p50 : measure.value;
}

function done({ eachMs, totalMs }: Writes): Done {
  return { count: eachMs.length, perSecond: (eachMs.length / totalMs) * 1_000 };
}

function durations(what: string, values: readonly number[]): Measure {
  return { what, unit: 'ms', ...spread(values), worst: hundredths(Math.max(...values)) };
}

function rate(what: string, { count, perSecond }: Done): Measure {
  return { what, unit: '/s', count, value: hundredths(perSecond) };
}
