import type { EvidenceRecord, Given } from '../../contract/evidence.schema.js';
import type { Fields } from '../../domain/audit/logged.event.js';
import { textOf, within } from '../../domain/audit/logged.event.js';
import { castFile } from '../../domain/evidence/archive.names.js';
import type { ScreenLine } from '../ports/recording.store.js';
import type { Html } from './html.text.js';
import { markup } from './html.text.js';

type Named = EvidenceRecord['takenBy'];
type Recording = EvidenceRecord['recordings'][number];

/** An instant for people, with its zone; what is none as it is. */
export function utc(instant: string | null): string {
  if (instant === null) return '';
  const [, day, time] = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d\.\d{3})Z$/.exec(instant) ?? [];
  return day === undefined || time === undefined ? instant : `${day} ${time} UTC`;
}

/** A person by all that tells them from others. */
export function nameOf({ name, email, sub, iss }: Named): string {
  const called = name ?? email ?? sub;
  const mail = email !== null && email !== called ? ` <${email}>` : '';
  return `${called}${mail} (${sub} at ${iss})`;
}

/** Who did what an event tells. */
export function actorName(fields: Fields): string {
  const actor = within(fields, 'actor');
  return textOf(actor, 'kind') === 'system'
    ? `Hallpass, replica ${textOf(actor, 'replica') ?? ''}`
    : `${textOf(actor, 'email') ?? textOf(actor, 'sub') ?? ''} by ${textOf(actor, 'channel') ?? ''}`;
}

/** Facts of a table; those that are null are left out. */
export function factTable(
  facts: readonly (readonly [string, Html | string | number | null])[],
): Html {
  const rows = facts.flatMap(([name, value]) =>
    value === null || value === ''
      ? []
      : [
          markup`<tr>
            <th scope="row">${name}</th>
            <td>${value}</td>
          </tr> `,
        ],
  );
  return markup`<table class="facts">
    <tbody>
      ${rows}
    </tbody>
  </table>`;
}

const WHY_NOT: Readonly<Record<Exclude<Given, 'whole'>, string>> = {
  dropped: 'What was recorded was dropped at the end of its time. Its digest is in the log.',
  'not-allowed': 'Who took this evidence may not see what was recorded.',
  broken: 'WHAT IS STORED IS NOT WHAT ITS DIGESTS SAY, or is not there any more. It is left out.',
};

/** What was typed and shown. */
export function recordingsSection(
  { recordings }: EvidenceRecord,
  screens: ReadonlyMap<string, readonly ScreenLine[]>,
): Html {
  const all = recordings.map((it) => recordingPart(it, screens.get(it.id) ?? []));
  return markup`<h2>What was typed and shown</h2>
    ${recordings.length === 0 ? markup`<p>Nothing was recorded: nobody entered the container.</p>` : all}`;
}

function recordingPart(recording: Recording, lines: readonly ScreenLine[]): Html {
  const { id, given, gaps } = recording;
  const isWhole = given === 'whole';
  const file = isWhole
    ? markup`<p>Play it: <a href="${castFile(id)}">${castFile(id)}</a> (asciicast v3).</p>`
    : markup`<p class="warn">${WHY_NOT[given]}</p>`;
  const screen =
    isWhole && lines.length > 0
      ? markup`<p>
            What was on the screen, from the beginning, by minute and second. It is not what was
            executed, and not all of it.
          </p>
          <pre>${lines.map(({ atMs, text }) => `${clock(atMs)}  ${text}`).join('\n')}</pre>`
      : markup``;
  return markup`<h3>Recording ${id}</h3>
    ${factTable([
      ['What', `${recording.kind}, by ${recording.way}`],
      ['Who', nameOf(recording.by)],
      ['Began', utc(recording.startedAt)],
      ['Ended', recording.endedAt === null ? 'not when this was taken' : utc(recording.endedAt)],
      ['How it ended', recording.isAbandoned ? 'its replica died' : recording.why],
      ['Exit code', recording.exitCode],
      [
        'What was typed',
        recording.input
          ? 'is recorded too'
          : 'is not recorded by itself; what the terminal showed of it is',
      ],
      ['Gaps', gaps === 0 ? 'none' : gaps],
      ['Digest', markup`<code>${recording.digest}</code>`],
    ])}
    ${file} ${screen} `;
}

/** The review that it owed. */
export function reviewSection({ review, session }: EvidenceRecord): Html {
  if (review === null) {
    return markup`<h2>The review</h2>
      <p>
        ${session.request.breakGlass ? 'The glass was to be broken, and no review is owed.' : 'None is owed: the glass was not broken.'}
      </p>`;
  }
  const facts = factTable([
    ['Due', utc(review.dueAt)],
    ['Finding', review.finding ?? 'NOT REVIEWED YET'],
    ['By', review.reviewer && nameOf(review.reviewer)],
    ['When', utc(review.at)],
  ]);
  return markup`<h2>The review</h2>
    ${facts} ${review.comment === null ? markup`` : markup`<blockquote>${review.comment}</blockquote>`}`;
}

function clock(atMs: number): string {
  const seconds = Math.floor(atMs / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`.padStart(7);
}
