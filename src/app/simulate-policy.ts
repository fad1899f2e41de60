import type { NewSimulation } from '../contract/simulation.schema.js';
import { permits } from '../domain/permission.js';
import type { PolicyDecision } from '../domain/policy/evaluate.js';
import type { RuleTrace } from '../domain/policy/explain.js';
import { explain } from '../domain/policy/explain.js';
import type { PolicyFile, PolicySet } from '../domain/policy/policy.js';
import type { FieldError, Problem } from '../domain/problem.js';
import { isProblem, problem } from '../domain/problem.js';
import type { Caller } from './caller.js';
import { requesterFacts } from './gather-facts.js';
import { Clock } from './ports/clock.js';
import { DraftReader } from './ports/draft.reader.js';
import { PolicySource } from './ports/policy.source.js';
import { decideSituation, situationFacts } from './situation-facts.js';

/** So many rules are told of. */
export const RULES_TOLD_MAX = 50;
const ERRORS_TOLD_MAX = 50;

export interface SimulationResult {
  readonly decision: PolicyDecision;
  readonly policyHash: string;
  /** Null for those who may not read policies. */
  readonly rules: readonly RuleTrace[] | null;
  readonly rulesLeftOut: number;
}

/** Says what policy would say. Asks neither clusters nor on-call sources, and changes nothing. */
export class SimulatePolicy {
  constructor(
    private readonly deps: {
      readonly policies: PolicySource;
      readonly drafts: DraftReader;
      readonly clock: Clock;
    },
  ) {}

  /**
   * Who may not read policies hears of themselves only, by the set in force, and what asking would tell them.
   *
   * @returns `forbidden` where they want more; `invalid-fields` with every error of the drafts.
   */
  async simulate(caller: Caller, asked: NewSimulation): Promise<SimulationResult | Problem> {
    const { person, documents, ...situation } = asked;
    const isReader = permits(caller.roles, 'policy:read');
    if (!isReader && (person !== undefined || documents !== undefined)) {
      return problem(
        'forbidden',
        `Simulating ${person === undefined ? 'drafts' : 'somebody else'} needs the permission "policy:read": leave "${person === undefined ? 'documents' : 'person'}" out to ask for yourself, by the policies in force.`,
      );
    }
    const set =
      documents === undefined ? this.deps.policies.current() : await this.draft(documents);
    if (isProblem(set)) return set;
    const now = this.deps.clock.now();
    const facts = situationFacts(
      { ...situation, person: person ?? requesterFacts(caller, now) },
      { set, now },
    );
    const decision = decideSituation(set, facts);
    if (!isReader) return { decision, policyHash: set.hash, rules: null, rulesLeftOut: 0 };
    const { rules } = explain(set, facts);
    return {
      decision,
      policyHash: set.hash,
      rules: rules.slice(0, RULES_TOLD_MAX),
      rulesLeftOut: Math.max(0, rules.length - RULES_TOLD_MAX),
    };
  }

  private async draft(documents: readonly PolicyFile[]): Promise<PolicySet | Problem> {
    const twice = documents.flatMap(({ name }, index): FieldError[] =>
      documents.findIndex((it) => it.name === name) === index
        ? []
        : [{ path: `/documents/${index}/name`, message: 'is here twice' }],
    );
    if (twice.length > 0) return invalid(twice, twice.length);
    const read = await this.deps.drafts.read(documents);
    if (!('policyErrors' in read)) return read;
    const errors = read.policyErrors.slice(0, ERRORS_TOLD_MAX).map((message) => {
      const index = documents.findIndex(({ name }) => message.startsWith(`${name}:`));
      return { path: index < 0 ? '/documents' : `/documents/${index}/text`, message };
    });
    return invalid(errors, read.policyErrors.length);
  }
}

function invalid(errors: readonly FieldError[], all: number): Problem {
  const which = all > errors.length ? `: these are the first ${errors.length} of ${all}` : '';
  return problem('invalid-fields', `Correct the documents as "errors" says${which}.`, { errors });
}
