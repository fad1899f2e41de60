import {
  END_REASONS,
  isFinal,
  STATES,
  TRANSITIONS,
} from '../src/domain/session/session.machine.js';

const INTRODUCTION = `# The session machine

<!-- Made by \`npm run docs\` from src/domain/session/session.machine.ts: change it there. -->

The whole life of a session. The same rows are in the database, where each session event refers to its row by a foreign
key: no other step can be written.`;

/** `docs/session-machine.md`: the table and a picture of it. */
export function sessionMachineDocument(): string {
  const rows = TRANSITIONS.map((row) => {
    const action = 'action' in row ? `\`${row.action}\`` : '';
    return `| ${row.from} | ${row.event} | ${row.to} | ${row.by.join(', ')} | ${action} |`;
  });
  return [
    INTRODUCTION,
    `\`\`\`mermaid\n${diagram()}\n\`\`\``,
    '## Steps',
    '`action` is what a person asks for by that step, as `allowedActions` names it.',
    ['| from | event | to | by | action |', '| --- | --- | --- | --- | --- |', ...rows].join('\n'),
    '## Why a session ended',
    `Data beside the state, and no states of their own: ${END_REASONS.map((it) => `\`${it}\``).join(', ')}.`,
  ].join('\n\n');
}

/** Steps between the same two states are one arrow. */
function diagram(): string {
  const arrows = new Map<string, string[]>();
  for (const { from, event, to } of TRANSITIONS) {
    const ends = `${from === 'new' ? '[*]' : from} --> ${to}`;
    arrows.set(ends, [...(arrows.get(ends) ?? []), event]);
  }
  return [
    'stateDiagram-v2',
    ...[...arrows].map(([ends, events]) => `  ${ends}: ${events.join(', ')}`),
    ...STATES.filter(isFinal).map((state) => `  ${state} --> [*]`),
  ].join('\n');
}
