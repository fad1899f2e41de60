import type { Simulation } from '../../contract/simulation.schema.js';
import { requirementsOf } from '../../domain/policy/policy.js';
import type { SimulationResult } from '../simulate-policy.js';

/** What policy would say, for whoever asked; the trace and the terms are there for those who may read policies. */
export function simulationView(result: SimulationResult): Simulation {
  const { decision, policyHash, rules, rulesLeftOut } = result;
  const grant = decision.verdict === 'refuse' ? null : decision.grant;
  // Plain data through and through; only its lists are not to be written to.
  return structuredClone({
    verdict: decision.verdict,
    rule: decision.verdict === 'refuse' ? decision.rule : decision.grant.rule,
    policyVersion: policyHash,
    breakGlass: grant?.breakGlass ?? false,
    needs: requirementsOf(grant).filter(({ count }) => count > 0),
    explanation: decision.explanation,
    terms: rules === null ? null : (grant?.terms ?? null),
    rules,
    rulesLeftOut,
  }) as Simulation;
}
