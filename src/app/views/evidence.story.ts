import type { EvidenceRecord } from '../../contract/evidence.schema.js';
import type { LoggedEvent } from '../../domain/audit/logged.event.js';
import { textOf, within } from '../../domain/audit/logged.event.js';
import { policyFile } from '../../domain/evidence/archive.names.js';
import type { ToldContainer } from '../../domain/evidence/told.containers.js';
import type { PolicyFile } from '../../domain/policy/policy.js';
import { actorName, factTable, nameOf, utc } from './evidence.shown.js';
import type { Html } from './html.text.js';
import { markup } from './html.text.js';

/** Of a rule's text, on the page; the whole is in the policy file. */
const RULE_CHARACTERS_MAX = 20_000;

/** Who asked, for what, and why. */
export function asked({ session }: EvidenceRecord, events: readonly LoggedEvent[]): Html {
  const { request, pod } = session;
  const [first] = events;
  return markup`<h2>Who asked, and why</h2>
    ${factTable([
      ['Asked by', nameOf(session.requester)],
      ['Their groups', session.requester.groups.join(', ')],
      ['When', utc(session.createdAt)],
      ['By way of', first ? (textOf(within(first.fields, 'actor'), 'channel') ?? null) : null],
      ['From address', first ? (textOf(within(first.fields, 'actor'), 'address') ?? null) : null],
      ['Target', `${request.cluster} / ${request.namespace} / ${targetText(request.target)}`],
      ['Pod', pod && `${pod.name} (uid ${pod.uid}) on ${pod.node}`],
      ['Container', request.container],
      ['Profile', request.profile],
      ['For', `${request.durationSeconds} seconds`],
      ['Break-glass', request.breakGlass ? 'YES: let in at once, at the price of a review' : 'no'],
      ['Ticket', request.ticket ?? 'none'],
    ])}
    <p>The reason they gave:</p>
    <blockquote>${request.reason}</blockquote>`;
}

/** What was asked for: a Pod by its name, or one of a workload's. */
function targetText(target: EvidenceRecord['session']['request']['target']): string {
  return target.kind === 'pod'
    ? `Pod ${target.name}`
    : `${target.workload}/${target.name} (${target.pick})`;
}

/** What policy said, by which rule, in whose words. */
export function policySection(
  { decisions, session }: EvidenceRecord,
  policies: ReadonlyMap<string, readonly PolicyFile[] | undefined>,
): Html {
  const said = decisions.filter(({ by }) => by === 'policy');
  const parts = said.map((it) => {
    const version = it.policyVersion ?? '';
    const files = policies.get(version);
    const text = files && it.rule !== null ? ruleText(files, it.rule) : undefined;
    const where = files
      ? markup`<a href="${policyFile(version)}"><code>${version}</code></a>`
      : markup`<code>${version}</code>`;
    const explained = it.explanation.map((line) => markup`<li>${line}</li>`);
    return markup`${factTable([
      ['Decided', utc(it.at)],
      ['Verdict', it.verdict],
      ['Rule', it.rule ?? 'none: what no rule allows is denied'],
      ['Policy version', where],
    ])}
      <ul>
        ${explained}
      </ul>
      ${
        text === undefined
          ? markup``
          : markup`<p>The rule as it was written:</p>
              <pre>${text.slice(0, RULE_CHARACTERS_MAX)}</pre>`
      } `;
  });
  const granted = session.policy
    ? markup`<p>
        The terms that were granted, frozen on the session: <code>session.json</code>, under
        <code>policy</code>.
      </p>`
    : markup`<p>Nothing was granted.</p>`;
  return markup`<h2>What policy said</h2>
    ${parts} ${granted}`;
}

/** The documents of that name in the files of a policy version. */
function ruleText(files: readonly PolicyFile[], rule: string): string | undefined {
  const documents = files.flatMap(({ name, text }) =>
    text
      .split(/^---[ \t]*$/m)
      .filter((document) =>
        document
          .split('\n')
          .some((line) => /^\s*name:\s*(.*)$/.exec(line)?.[1]?.replaceAll(/["'\s]/g, '') === rule),
      )
      .map((document) => `# ${name}\n${document.trim()}`),
  );
  return documents.length === 0 ? undefined : documents.join('\n---\n');
}

/** Who consented or denied, and what they had before them. */
export function consents({ decisions }: EvidenceRecord, events: readonly LoggedEvent[]): Html {
  const words = decisions.filter(({ by }) => by === 'person');
  if (words.length === 0) {
    return markup`<h2>Who consented, and what they saw</h2>
      <p>Nobody was asked, or nobody said anything.</p>`;
  }
  const parts = words.map((word) => {
    const seen = events.find(
      ({ fields }) => word.seenVersion !== null && isVersion(fields, word.seenVersion),
    );
    const target = seen && within(seen.fields, 'target');
    const saw =
      seen && target
        ? markup`<p>
              They saw version ${word.seenVersion ?? ''} of the session, which the event
              <a href="#e${seen.index}">${seen.index}</a> made
              (${textOf(seen.fields, 'action') ?? ''}, ${utc(textOf(seen.fields, 'time') ?? '')}),
              and with it this:
            </p>
            ${factTable([
              [
                'Target',
                `${textOf(target, 'cluster') ?? ''} / ${textOf(target, 'namespace') ?? ''} / ${textOf(target, 'workload') ?? textOf(target, 'pod') ?? ''}`,
              ],
              ['Profile', textOf(target, 'profile') ?? null],
              ['For', `${Number(within(seen.fields, 'data')['durationSeconds'])} seconds`],
              ['Ticket', textOf(seen.fields, 'ticket') ?? 'none'],
              ['Reason', textOf(seen.fields, 'reason') ?? null],
            ])}`
        : markup`<p>What they saw is not on the record.</p>`;
    return markup`<h3>${word.person ? nameOf(word.person) : ''}: ${word.verdict}</h3>
      ${factTable([
        ['When', utc(word.at)],
        ['Their groups', word.person?.groups.join(', ') ?? null],
      ])}
      ${word.comment === null ? markup`` : markup`<blockquote>${word.comment}</blockquote>`} ${saw} `;
  });
  return markup`<h2>Who consented, and what they saw</h2>
    ${parts}`;
}

function isVersion(fields: LoggedEvent['fields'], version: number): boolean {
  const data = within(fields, 'data');
  return data['version'] === version && typeof data['from'] === 'string';
}

/** A fact as it is, if it is a text; what else JSON has, as JSON. */
function plain(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** What was sent to the cluster, and what it said. */
export function containersSection(containers: readonly ToldContainer[]): Html {
  const parts = containers.map(({ name, image, intent, sha256, spec, status }) => {
    const rows = status.map(
      ({ event, at, action, facts }) =>
        markup`<p><a href="#e${event}">${event}</a>: ${action}, ${utc(at)}</p>
          ${factTable(Object.entries(facts).map(([name, value]) => [name, plain(value)]))}`,
    );
    const sent =
      spec === null
        ? markup`<p>
            The specification is not in its
            event${sha256 === null ? '' : `, but its digest: ${sha256}`}.
          </p>`
        : markup`<pre>${JSON.stringify(spec, null, 2)}</pre>`;
    return markup`<h3>${name}</h3>
      ${factTable([
        ['Image', image],
        ['Intended by the event', markup`<a href="#e${intent}">${intent}</a>`],
        ['SHA-256', sha256],
      ])}
      <p>Sent to the cluster, as it was written in the log before:</p>
      ${sent}
      <p>What the cluster said, by the events that wrote it down:</p>
      ${rows}`;
  });
  return markup`<h2>The container</h2>
    ${containers.length === 0 ? markup`<p>None was added.</p>` : parts}`;
}

/** How it ended. */
export function ending({ session, isOver }: EvidenceRecord, events: readonly LoggedEvent[]): Html {
  const last = events.findLast(({ fields }) => typeof within(fields, 'data')['from'] === 'string');
  return markup`<h2>How it ended</h2>
    ${factTable([
      ['State', isOver ? session.state : `${session.state}: NOT OVER`],
      ['Started', utc(session.startedAt) || 'never'],
      ['Deadline', utc(session.deadline)],
      ['Ended', utc(session.endedAt)],
      ['Reason', session.endReason],
      ['Extensions', session.extensions],
      ['Last step by', last ? actorName(last.fields) : null],
    ])}
    ${session.endDetail === null ? markup`` : markup`<blockquote>${session.endDetail}</blockquote>`}`;
}
