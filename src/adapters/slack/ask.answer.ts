import type { Asking } from '../../app/request-session.js';
import type { DecisionRecord } from '../../app/ports/session.store.js';
import type { Problem } from '../../domain/problem.js';
import { requirementText } from '../../domain/policy/words.js';
import { requirementsOf } from '../../domain/policy/policy.js';
import { code, escaped } from './slack.text.js';

const LINES_MAX = 10;

/** What asking came to: granted, waiting for whom, or refused by which rule and what would help. As mrkdwn. */
export function askedLines(
  { session, already }: Asking,
  decisions: readonly DecisionRecord[],
  link: string,
): string[] {
  const policy = decisions.find(({ by }) => by === 'policy');
  const rule = session.grant?.rule ?? policy?.rule ?? null;
  const byRule = rule === null ? '' : ` by the rule ${code(rule)}`;
  const open = `<${link}|Open the session ${session.id}>`;
  const before =
    already === 'no' ? [] : ['You have asked for this already: it is one session still.'];
  switch (session.state) {
    case 'denied':
      return [
        ...before,
        `:no_entry: *Refused*${rule === null ? ': no rule allows it' : byRule}.`,
        ...explained(policy),
        open,
      ];
    case 'pending':
      return [
        ...before,
        `:hourglass_flowing_sand: *Waiting* for ${requirementsOf(session.grant)
          .slice(0, LINES_MAX)
          .map((one) => code(requirementText(one), 180))
          .join(', and ')}${byRule}.`,
        open,
      ];
    case 'approved':
    case 'starting':
    case 'active':
      return [
        ...before,
        `:white_check_mark: *Granted*${byRule}.`,
        `Get in with ${code(`hallpass connect ${session.id}`)}`,
        open,
      ];
    case 'ending':
    case 'ended':
      return [...before, 'It has ended.', open];
  }
}

/** A problem as mrkdwn. */
export function problemLines(problem: Problem): string[] {
  const errors = (problem.errors ?? []).slice(0, LINES_MAX);
  return [
    `:warning: ${escaped(problem.detail, 1_500)}`,
    ...errors.map(({ path, message }) => `${code(path)} ${escaped(message, 300)}`),
  ];
}

function explained(policy: DecisionRecord | undefined): string[] {
  const lines = (policy?.explanation ?? []).slice(0, LINES_MAX);
  return lines.length === 0 ? [] : [lines.map((line) => `• ${escaped(line, 280)}`).join('\n')];
}
