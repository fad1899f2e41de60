/** How loudly something is told: `wake` is for what somebody must get up for. */
export const URGENCIES = ['quiet', 'normal', 'wake'] as const;
export type Urgency = (typeof URGENCIES)[number];

/** What others are told of. */
export interface NoticeRow {
  readonly urgency: Urgency;
  /** What a message begins with. */
  readonly title: string;
  /** One sentence: what it means for whoever reads it. */
  readonly sentence: string;
  /** Of the ordinary life of a session: nobody need hear of it where policy alone let it in. */
  readonly routine?: true;
}

/** The one table of notices; subscriptions name its keys. */
export const NOTICE_KINDS = {
  'request.waiting': {
    urgency: 'normal',
    title: 'A session waits for consents',
    sentence: 'Somebody who is asked has to approve or deny it before it lapses.',
  },
  'session.granted': {
    urgency: 'quiet',
    title: 'A session was granted',
    sentence: 'It may start.',
    routine: true,
  },
  'session.denied': {
    urgency: 'quiet',
    title: 'A session was denied',
    sentence: 'Nothing was started.',
  },
  'session.started': {
    urgency: 'quiet',
    title: 'A session has started',
    sentence: 'A debug container runs.',
    routine: true,
  },
  'session.extended': {
    urgency: 'quiet',
    title: 'A session was extended',
    sentence: 'Another debug container has taken over, with a later deadline.',
    routine: true,
  },
  'session.ended': {
    urgency: 'quiet',
    title: 'A session has ended',
    sentence: 'Its debug container runs no more.',
    routine: true,
  },
  'session.lapsed': {
    urgency: 'quiet',
    title: 'A session has lapsed',
    sentence: 'It was not decided, or not started, in time.',
    routine: true,
  },
  'break-glass': {
    urgency: 'wake',
    title: 'The glass was broken',
    sentence: 'Somebody let themselves in without consents. It owes a review.',
  },
  'review.due': {
    urgency: 'normal',
    title: 'A review is due soon',
    sentence: 'A session for which the glass was broken is not reviewed yet.',
  },
  'review.overdue': {
    urgency: 'wake',
    title: 'A review is overdue',
    sentence: 'The next break-glass of who owes it may be refused until somebody reviews it.',
  },
  'review.done': {
    urgency: 'quiet',
    title: 'A session was reviewed',
    sentence: 'Nothing is owed for it any more.',
  },
  'session.overrun': {
    urgency: 'wake',
    title: 'A session does not end',
    sentence: 'Its time is up and its debug container still runs. Look at the Pod.',
  },
  bypass: {
    urgency: 'wake',
    title: 'Somebody went past Hallpass',
    sentence: 'A debug container was added or entered without a session.',
  },
  'log.parted': {
    urgency: 'wake',
    title: 'The audit log is not what was signed',
    sentence: 'Nothing more is signed until somebody has looked.',
  },
  'log.mended': {
    urgency: 'quiet',
    title: 'The audit log is signed again',
    sentence: 'All of it was looked at, and is what was signed.',
  },
  'anchor.failing': {
    urgency: 'wake',
    title: 'An anchor of the audit log fails',
    sentence: 'What was signed since is not put by out of reach.',
  },
  'anchor.recovered': {
    urgency: 'quiet',
    title: 'An anchor of the audit log is back',
    sentence: 'It has the newest checkpoint.',
  },
  'sink.failing': {
    urgency: 'normal',
    title: 'A sink of the audit log fails',
    sentence: 'Nothing is lost: it gets all of it when it is back.',
  },
  'sink.recovered': {
    urgency: 'quiet',
    title: 'A sink of the audit log is back',
    sentence: 'It takes events again.',
  },
  test: {
    urgency: 'quiet',
    title: 'A test of this channel',
    sentence: 'Nothing happened: somebody wanted to see whether you are told.',
  },
} as const satisfies Readonly<Record<string, NoticeRow>>;

export type NoticeKind = keyof typeof NOTICE_KINDS;

/** Those that a subscription can name. */
export const SUBSCRIBED_KINDS = (Object.keys(NOTICE_KINDS) as NoticeKind[]).filter(
  (kind): kind is Exclude<NoticeKind, 'test'> => kind !== 'test',
);

export function isNoticeKind(name: string): name is NoticeKind {
  return Object.hasOwn(NOTICE_KINDS, name);
}

/** The row of a kind. */
export function noticeRow(kind: NoticeKind): NoticeRow {
  return NOTICE_KINDS[kind];
}
