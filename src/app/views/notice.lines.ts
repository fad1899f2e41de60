import type { NoticeBody, NoticeSession } from '../../contract/notice.schema.js';

/** What a message says, before it is dressed for a medium. Values are what people and clusters wrote. */
export interface NoticeLines {
  /** One line. */
  readonly headline: string;
  readonly sentence: string;
  readonly lines: readonly { readonly label: string; readonly value: string }[];
  readonly url: string | null;
}

/** Marks that nobody sees and that make text read otherwise: they are shown as what they are. */
const UNSEEN =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]|[\u{e0000}-\u{e007f}]/gu;
const BREAKS = /[\r\n\t\u2028\u2029]+/g;
const VALUE_CHARACTERS_MAX = 3_000;

/** Words for the details of news. */
const LABELS: Readonly<Record<string, string>> = {
  reviewDueAt: 'Review due',
  dueAt: 'Due',
  why: 'Why',
  use: 'What was done',
  pod: 'Pod',
  user: 'Kubernetes user',
  agent: 'Client',
  receivedAt: 'Seen',
  since: 'Since',
  anchor: 'Anchor',
  sink: 'Sink',
  failingSince: 'Failing since',
  waitingEvents: 'Events that wait',
};

/** The one source of all templates. */
export function noticeLines(body: NoticeBody): NoticeLines {
  const { session, details, title, sentence, url } = body;
  const place = session
    ? `${session.namespace}/${session.target} in ${session.cluster}`
    : [body.namespace, body.cluster].filter((it) => it !== null).join(' in ');
  const rows: (readonly [string, string | null])[] = [
    ...(session ? sessionRows(session) : placeRows(body)),
    ...Object.entries(details).map(([key, value]) => [LABELS[key] ?? key, value] as const),
    ['When', body.at],
  ];
  return {
    headline: oneLine(place === '' ? `Hallpass: ${title}` : `Hallpass: ${title}: ${place}`),
    sentence,
    lines: rows.flatMap(([label, value]) =>
      value === null || value === ''
        ? []
        : [{ label: oneLine(label), value: cut(visible(value), VALUE_CHARACTERS_MAX) }],
    ),
    url,
  };
}

/** Text without line breaks and with what nobody sees made visible. */
export function oneLine(text: string): string {
  return visible(text.replaceAll(BREAKS, ' '));
}

/** Cuts between characters, and says so. */
export function cut(text: string, charactersMax: number): string {
  if (text.length <= charactersMax) return text;
  return `${text.slice(0, charactersMax - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}

function visible(text: string): string {
  return text
    .toWellFormed()
    .replaceAll('\r\n', '\n')
    .replaceAll(UNSEEN, (it) => `[U+${codePoint(it)}]`);
}

function codePoint(character: string): string {
  return (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
}

function sessionRows(session: NoticeSession): (readonly [string, string | null])[] {
  const { requester, asked } = session;
  const who = [requester.name, requester.email, requester.sub].filter((it) => it !== undefined);
  return [
    ['Who', [...new Set(who)].join(', ')],
    ['Cluster', session.cluster],
    ['Namespace', session.namespace],
    ['Target', session.target],
    ['Pod', session.pod],
    ['Container', session.container],
    ['Profile', session.profile],
    ['For', minutes(session.durationSeconds)],
    ['Reason', session.reason],
    ['Ticket', session.ticket],
    ['Rule', session.rule],
    ['Asked', session.state === 'pending' ? people(asked) : null],
    ['Deadline', session.endedAt === null ? session.deadline : null],
    ['Ended', session.endedAt],
    ['Why it ended', session.endReason],
    ['What happened', session.endDetail],
    ['Session', session.id],
  ];
}

function placeRows({ cluster, namespace }: NoticeBody): (readonly [string, string | null])[] {
  return [
    ['Cluster', cluster],
    ['Namespace', namespace],
  ];
}

function people({ groups, users }: NoticeSession['asked']): string {
  return [...groups.map((it) => `group ${it}`), ...users].join(', ');
}

function minutes(seconds: number): string {
  return seconds % 60 === 0 ? `${seconds / 60} min` : `${seconds} s`;
}
