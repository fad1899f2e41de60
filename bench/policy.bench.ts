import {
  DOCUMENTS_MAX,
  isPolicyErrors,
  readPolicyDocuments,
} from '../src/adapters/policy/policy.documents.js';
import { evaluate } from '../src/domain/policy/evaluate.js';
import type { PolicyFile, PolicySet } from '../src/domain/policy/policy.js';
import type { Benchmark, Findings, Measure, Ratio, Surroundings } from './benchmark.js';
import { companyFacts, companyFiles } from './policy.company.js';
import { decideNaively } from './policy.naive.js';
import { hundredths, percentile, spread } from './statistics.js';

/** How much is measured. */
export interface PolicyExtent {
  /** Numbers of access policies, the fewest first. */
  readonly sizes: readonly number[];
  /** Decisions are measured in rounds, of which the best counts: what disturbs a round makes it slower only. */
  readonly rounds: number;
  readonly roundMs: number;
  /** Documents are loaded so often. */
  readonly loads: number;
  readonly loadedDocuments: number;
}

const USUAL: PolicyExtent = {
  sizes: [10, 1_000, 10_000],
  rounds: 7,
  roundMs: 400,
  loads: 7,
  loadedDocuments: 10_000,
};

/** Of profiles and approver sets; the rest are access policies. */
const OTHER_DOCUMENTS = 3;
/** On so many requests it is made sure that both ways decide the same. */
const COMPARED = 200;

/** How many requests policy decides in a second, on one core, and how long documents take to load. */
export const policyBenchmark: Benchmark = {
  about: 'decisions per second, against testing every rule; loading documents',
  run: (surroundings) => measurePolicy(USUAL, surroundings),
};

export function measurePolicy(extent: PolicyExtent, around: Surroundings): Promise<Findings> {
  const measures: Record<string, Measure> = {};
  const ratios: Record<string, Ratio> = {};
  const { rounds, roundMs, sizes, loadedDocuments } = extent;
  const rates: number[] = [];
  const candidates: Record<string, number> = {};
  for (const size of sizes) {
    around.signal.throwIfAborted();
    around.say(`decisions of ${size} policies`);
    // As many as are accepted together with what they name.
    const set = loaded(companyFiles(Math.min(size, DOCUMENTS_MAX - OTHER_DOCUMENTS)));
    assertAlike(set, size);
    candidates[`candidates${size}`] = hundredths(meanCandidates(set, size));
    const decide = (number: number) => void evaluate(set, companyFacts(number, size));
    const naively = (number: number) => void decideNaively(set, companyFacts(number, size));
    const of = { rounds, roundMs, signal: around.signal };
    const indexed = bestRate(decide, of);
    const naive = bestRate(naively, of);
    rates.push(indexed.perSecond);
    measures[`decisions${size}`] = perSecond(`decisions, ${size} policies`, indexed);
    measures[`naive${size}`] = perSecond(`… testing every rule`, naive);
    ratios[`decisionsToNaive${size}`] = {
      what: `decisions / testing every rule, ${size} policies`,
      value: hundredths(indexed.perSecond / naive.perSecond),
    };
  }
  const [fewest = 0] = rates;
  ratios['decisionsFewestToMost'] = {
    what: `decisions of ${sizes[0]} policies / of ${sizes.at(-1)}`,
    value: hundredths(fewest / (rates.at(-1) ?? 0)),
  };
  around.say(`loading ${loadedDocuments} documents, ${extent.loads} times`);
  const loads = loadTimes(companyFiles(loadedDocuments - OTHER_DOCUMENTS), extent.loads);
  measures['load'] = { what: `loading ${loadedDocuments} documents`, unit: 'ms', ...spread(loads) };
  const facts = { rounds, roundMs, ...candidates, bestLoadMs: Math.round(percentile(loads, 1)) };
  return Promise.resolve({ measures, ratios, facts });
}

function loaded(files: readonly PolicyFile[]): PolicySet {
  const set = readPolicyDocuments(files);
  if (isPolicyErrors(set)) throw new Error(set.policyErrors.join('\n'));
  return set;
}

function loadTimes(files: readonly PolicyFile[], times: number): number[] {
  return Array.from({ length: times }, () => {
    const fromMs = performance.now();
    loaded(files);
    return performance.now() - fromMs;
  });
}

function assertAlike(set: PolicySet, size: number): void {
  for (let number = 0; number < COMPARED; number++) {
    const facts = companyFacts(number, size);
    const decision = evaluate(set, facts);
    const rule = decision.verdict === 'refuse' ? decision.rule : decision.grant.rule;
    const naive = decideNaively(set, facts);
    if (rule !== naive) throw new Error(`request ${number}: ${rule} and ${naive} decide`);
  }
}

/** How many rules the index gives a request on average: what could match. */
function meanCandidates({ index }: PolicySet, size: number): number {
  const counts = Array.from({ length: COMPARED }, (_, number) => {
    const { requester, target } = companyFacts(number, size);
    return index.candidates(requester, target.namespace).length;
  });
  return counts.reduce((sum, count) => sum + count, 0) / counts.length;
}

interface Rate {
  readonly perSecond: number;
  readonly count: number;
}

/** Each request is another one. The best of the rounds, after one to warm up. */
function bestRate(
  trial: (number: number) => void,
  of: { readonly rounds: number; readonly roundMs: number; readonly signal: AbortSignal },
): Rate {
  let number = 0;
  let best: Rate = { perSecond: 0, count: 0 };
  for (let round = 0; round <= of.rounds; round++) {
    of.signal.throwIfAborted();
    const first = number;
    const fromMs = performance.now();
    let elapsedMs = 0;
    while (elapsedMs < of.roundMs) {
      for (let step = 0; step < 10; step++) trial(number++);
      elapsedMs = performance.now() - fromMs;
    }
    const count = number - first;
    const rate = { perSecond: (count / elapsedMs) * 1_000, count };
    if (round > 0 && rate.perSecond > best.perSecond) best = rate;
  }
  return best;
}

function perSecond(what: string, { perSecond: value, count }: Rate): Measure {
  return { what, unit: '/s', count, value: hundredths(value) };
}
