import type { ChangeKind, DecisionChange, DiffSummary, Side } from '../../app/diff-policies.js';
import { CHANGES } from '../../app/diff-policies.js';
import { indented } from './decision.text.js';
import { counted } from './screen.js';

/** A decision that would change: what, whose, from what to what, and why. */
export function changeLines(change: DecisionChange): string[] {
  const { who, cluster, namespace, target, profile, session } = change;
  return [
    `${change.change}: ${who}, ${cluster}/${namespace}, ${target}, profile ${profile}`,
    ...indented([
      `session ${session}, asked for at ${change.at.toISOString()}`,
      `${sideText(change.from)}  ->  ${sideText(change.to)}`,
      ...change.explanation,
    ]),
  ];
}

export function summaryLines({ replayed, changed, byChange, withoutFacts }: DiffSummary): string[] {
  const kinds = (Object.keys(CHANGES) as ChangeKind[]).filter((kind) => byChange[kind] > 0);
  return [
    `${counted(replayed, 'past decision')} made again, ${changed} would change`,
    ...kinds.map((kind) => `  ${byChange[kind]} ${CHANGES[kind]}`),
    ...(withoutFacts > 0
      ? [
          `${counted(withoutFacts, 'decision')} cannot be made again: they are from before the facts were kept`,
        ]
      : []),
  ];
}

const VERDICTS = {
  grant: 'granted',
  hold: 'held',
  refuse: 'refused',
  open: 'open',
} as const satisfies Record<Side['verdict'], string>;

function sideText({ verdict, rule, consents }: Side): string {
  const by = verdict === 'open' ? '' : rule === null ? ' by no rule' : ` by "${rule}"`;
  const needs = consents > 0 ? ` with ${counted(consents, 'consent')}` : '';
  return `${VERDICTS[verdict]}${by}${needs}`;
}
