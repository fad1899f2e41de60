import { createHash } from 'node:crypto';
import type { EvidenceRecord } from '../../contract/evidence.schema.js';
import type { LoggedEvent } from '../../domain/audit/logged.event.js';
import { textOf, within } from '../../domain/audit/logged.event.js';
import { ARCHIVE_FILES, eventFile } from '../../domain/evidence/archive.names.js';
import type { ToldContainer } from '../../domain/evidence/told.containers.js';
import type { PolicyFile } from '../../domain/policy/policy.js';
import type { ScreenLine } from '../ports/recording.store.js';
import { asked, consents, containersSection, ending, policySection } from './evidence.story.js';
import { actorName, nameOf, recordingsSection, reviewSection, utc } from './evidence.shown.js';
import { Html, markup } from './html.text.js';

/** What the page tells. */
export interface PageParts {
  readonly record: EvidenceRecord;
  readonly events: readonly LoggedEvent[];
  readonly containers: readonly ToldContainer[];
  readonly policies: ReadonlyMap<string, readonly PolicyFile[] | undefined>;
  readonly screens: ReadonlyMap<string, readonly ScreenLine[]>;
  readonly origin: string;
}

const STYLE = `
body{font:16px/1.5 Georgia,"Times New Roman",serif;color:#111;background:#fff;max-width:52rem;margin:2rem auto;padding:0 1rem}
h1,h2,h3{line-height:1.2;break-after:avoid}h2{border-top:1px solid #999;padding-top:1rem;margin-top:2.5rem}
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.2rem .6rem .2rem 0;overflow-wrap:anywhere}
th{font-weight:bold}.facts th{width:12rem;font-weight:normal;color:#444}.log th,.log td{border-bottom:1px solid #ccc;font-size:.85rem}
pre{font:13px/1.4 ui-monospace,Menlo,Consolas,monospace;background:#f4f4f4;padding:.6rem;white-space:pre-wrap;overflow-wrap:anywhere;border-left:3px solid #999}
code{font:.85em ui-monospace,Menlo,Consolas,monospace;overflow-wrap:anywhere}blockquote{margin:.5rem 0;padding-left:1rem;border-left:3px solid #999}
.warn{border:2px solid #a00;padding:.6rem 1rem;font-weight:bold}a{color:#003c8f}
@media print{body{max-width:none;margin:0;font-size:11pt}a{color:#000}pre{background:#fff}tr{break-inside:avoid}}
`;

/** Nothing is loaded and nothing runs: the one style is known by its hash. */
const POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

/** `page.html`: the story of a session, in order, for who has nothing but a browser. */
export function evidencePage(parts: PageParts): string {
  const { record, events, containers, policies, screens } = parts;
  const title = `Evidence of debug session ${record.session.id}`;
  const page = markup`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${POLICY}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="referrer" content="no-referrer" />
        <title>${title}</title>
        ${new Html(`<style>${STYLE}</style>`)}
      </head>
      <body>
        <h1>${title}</h1>
        ${opening(parts)} ${asked(record, events)} ${policySection(record, policies)}
        ${consents(record, events)} ${containersSection(containers)}
        ${recordingsSection(record, screens)} ${ending(record, events)} ${reviewSection(record)}
        ${log(events)}
      </body>
    </html> `;
  return page.text;
}

function opening({ record, origin }: PageParts): Html {
  const unfinished = record.isOver
    ? markup``
    : markup`<p class="warn">
        This session was not over when the evidence was taken: it was ${record.session.state}. What
        came after is not in here. Take the evidence again once it is over.
      </p>`;
  return markup`${unfinished}
    <p>
      Taken ${utc(record.takenAt)} by ${nameOf(record.takenBy)}, from the audit log
      <code>${origin}</code>. All times are Coordinated Universal Time (UTC). This page only tells
      what the files beside it say, which anybody can check: see
      <a href="${ARCHIVE_FILES.readme}">${ARCHIVE_FILES.readme}</a>. A page alone proves nothing.
    </p>`;
}

function log(events: readonly LoggedEvent[]): Html {
  const rows = events.map(({ index, fields }) => {
    const data = within(fields, 'data');
    const [from, to] = [textOf(data, 'from'), textOf(data, 'to')];
    const step = from !== undefined && to !== undefined ? `${from} → ${to}` : '';
    return markup`<tr id="e${index}">
      <td><a href="${eventFile(index)}">${index}</a></td>
      <td>${utc(textOf(fields, 'time') ?? '')}</td>
      <td>${textOf(fields, 'action') ?? ''}</td>
      <td>${step}</td>
      <td>${textOf(fields, 'outcome') ?? ''}</td>
      <td>${actorName(fields)}</td>
    </tr> `;
  });
  return markup`<h2>Every event, in the order of the log</h2>
    <p>
      Each by its place in the log; its text and its proof are in the folder <code>events</code>.
      The taking of this evidence is an event too, and comes after these.
    </p>
    <table class="log">
      <thead>
        <tr>
          <th>Place</th>
          <th>Time</th>
          <th>What</th>
          <th>Step</th>
          <th>Outcome</th>
          <th>Who</th>
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>`;
}
