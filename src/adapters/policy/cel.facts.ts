import type {
  ContainerFacts,
  Counts,
  Facts,
  FoundNamespace,
  FoundTarget,
  HistoryFacts,
  RequesterFacts,
  RequestFacts,
  TargetFacts,
} from '../../domain/policy/facts.js';
import { foundPod } from '../../domain/policy/facts.js';
import type { Field, ObjectShape, Shape } from './cel.shapes.js';
import {
  BOOL,
  celType,
  DURATION,
  INT,
  list,
  map,
  NotKnown,
  object,
  text,
  TIMESTAMP,
} from './cel.shapes.js';

/** Of a name in Kubernetes (RFC 1123), a key of a label or annotation, the value of a label. */
const NAME = text(253);
const KEY_CHARS = 317;
const LABELS = map(250, KEY_CHARS, text(63));
/** All annotations of an object together are 256 KiB at most. */
const ANNOTATIONS = map(500, KEY_CHARS, text(262_144));

const REQUESTER = object<RequesterFacts>('Requester', {
  issuer: {
    shape: text(2_048),
    description: 'Who vouches for them: `iss` of their token.',
    read: (it) => it.issuer,
  },
  subject: {
    shape: text(512),
    description: 'Who they are there: `sub`.',
    read: (it) => it.subject,
  },
  email: {
    shape: text(512),
    description: 'Empty where the token has none.',
    read: (it) => it.email,
  },
  groups: {
    shape: list(500, text(256)),
    description: 'Their groups, as the issuer names them.',
    read: (it) => it.groups,
  },
  claims: {
    shape: map(100, 256, text(2_048)),
    description: 'The claims that the configuration lets through, each as a text.',
    read: (it) => it.claims,
  },
  acr: {
    shape: text(256),
    description: 'How strongly they signed in; empty where the token does not say.',
    read: (it) => it.acr,
  },
  amr: {
    shape: list(50, text(256)),
    description: 'By which methods they signed in (RFC 8176).',
    read: (it) => it.amr,
  },
  authAge: {
    shape: DURATION,
    description:
      'How long ago they signed in. Not there where the token does not say: `has(requester.authAge)`.',
    read: (it) => it.authAgeSeconds ?? undefined,
  },
});

const CONTAINER = object<ContainerFacts>('Container', {
  name: { shape: NAME, description: 'Its name.', read: (it) => it.name },
  image: { shape: text(1_024), description: 'As the Pod asks for it.', read: (it) => it.image },
  digest: {
    shape: text(256),
    description: '`sha256:…` of the image that runs; empty where the cluster does not say.',
    read: (it) => it.digest,
  },
  ready: { shape: BOOL, description: 'Whether it is ready.', read: (it) => it.ready },
  restarts: { shape: INT, description: 'How often it was restarted.', read: (it) => it.restarts },
});

const OWNER = object<FoundTarget['owner']>('Owner', {
  kind: {
    shape: text(32),
    description:
      '`Deployment`, `StatefulSet`, `DaemonSet` (of `apps`), `Job` (of `batch`), `Pod` (it has none) or `Other`.',
    read: (it) => it.kind,
  },
  name: { shape: NAME, description: "The Pod's own where it has none.", read: (it) => it.name },
});

const ASKED_LATER = new NotKnown('the cluster has not been asked about the target');

/** Labels and annotations that the broker may not read, or that are more than it keeps. */
const NOT_TOLD = new NotKnown(
  'the labels or annotations of the target cannot be read, or are too large',
);

/** What only the cluster can tell: of the namespace, or of the Pod. */
function told<Found extends object>(seen: (target: TargetFacts) => Found | null) {
  return (
    shape: Shape,
    description: string,
    read: (found: Found) => unknown,
  ): Field<TargetFacts> => ({
    shape,
    description,
    read: (target) => {
      const it = seen(target);
      if (it === null) throw ASKED_LATER;
      const value = read(it);
      if (value === null) throw NOT_TOLD;
      return value;
    },
  });
}
const around = told<FoundNamespace | FoundTarget>(({ found }) => found);
const found = told(foundPod);

const TARGET = object<TargetFacts>('Target', {
  cluster: { shape: NAME, description: 'The cluster.', read: (it) => it.cluster },
  namespace: { shape: NAME, description: 'The namespace.', read: (it) => it.namespace },
  namespaceLabels: around(
    LABELS,
    'Labels of the namespace. Unknown where the broker may not read it.',
    (it) => it.namespaceLabels,
  ),
  namespaceAnnotations: around(
    ANNOTATIONS,
    'Annotations of the namespace. Unknown where the broker may not read it, or where they are more than 64 KiB.',
    (it) => it.namespaceAnnotations,
  ),
  pod: found(NAME, 'The name of the Pod.', (it) => it.pod),
  labels: found(LABELS, 'Labels of the Pod.', (it) => it.labels),
  annotations: found(
    ANNOTATIONS,
    'Annotations of the Pod. Unknown where they are more than 64 KiB. What `kubectl apply` notes is left out.',
    (it) => it.annotations,
  ),
  owner: found(OWNER, 'What the Pod belongs to, by its controller.', (it) => it.owner),
  phase: found(text(32), '`Running`, `Pending` …', (it) => it.phase),
  ready: found(BOOL, 'Whether the Pod is ready.', (it) => it.ready),
  restarts: found(INT, 'Restarts of all its containers together.', (it) => it.restarts),
  containers: found(list(100, CONTAINER), 'Its containers.', (it) => it.containers),
  node: found(NAME, 'The node that it runs on.', (it) => it.node),
});

const REQUEST = object<RequestFacts>('Request', {
  profile: { shape: NAME, description: 'The debug profile asked for.', read: (it) => it.profile },
  container: {
    shape: NAME,
    description: 'The container whose processes are to be seen; empty where none.',
    read: (it) => it.container,
  },
  seconds: {
    shape: INT,
    description: 'How long the session is to last.',
    read: (it) => it.durationSeconds,
  },
  reason: { shape: text(2_000), description: 'The reason given.', read: (it) => it.reason },
  ticket: {
    shape: text(500),
    description: 'The ticket given; empty where none.',
    read: (it) => it.ticket,
  },
  channel: {
    shape: text(32),
    description: 'The door that they came through: `console`, `cli`, `kubectl`, `slack`, `api`.',
    read: (it) => it.channel,
  },
  breakGlass: {
    shape: BOOL,
    description: 'Whether they ask to be let in at once, at the price of a review.',
    read: (it) => it.breakGlass,
  },
});

const COUNTS = object<Counts>('Counts', {
  open: {
    shape: INT,
    description: 'That are neither denied nor ended.',
    read: (it) => it.open,
  },
  lastHour: { shape: INT, description: 'Asked for in the last hour.', read: (it) => it.lastHour },
  lastDay: { shape: INT, description: 'In the last 24 hours.', read: (it) => it.lastDay },
  lastWeek: { shape: INT, description: 'In the last seven days.', read: (it) => it.lastWeek },
});

const OVERDUE = object<HistoryFacts['overdueReviews']>('OverdueReviews', {
  mine: { shape: INT, description: 'Of this person.', read: (it) => it.mine },
  byTeam: {
    shape: { ...map(1_000, 256, INT), otherwise: 0n },
    description: 'By team; 0 for a team that has none.',
    read: (it) => it.byTeam,
  },
});

const HISTORY = object<Pick<Facts, 'history' | 'target'>>('History', {
  mine: { shape: COUNTS, description: 'Sessions of this person.', read: (it) => it.history.mine },
  target: {
    shape: COUNTS,
    description: 'Sessions on this Pod, of anybody.',
    read: ({ history, target }) => {
      if (foundPod(target) === null) throw ASKED_LATER;
      return history.target;
    },
  },
  overdueReviews: {
    shape: OVERDUE,
    description: 'Break-glass sessions whose review is overdue.',
    read: (it) => it.history.overdueReviews,
  },
});

/** Everything that an expression may name. The engine's variables and `docs/policy-facts.md` are made from it. */
export const FACTS = {
  requester: { shape: REQUESTER, description: 'Who asks.', read: (it) => it.requester },
  target: {
    shape: TARGET,
    description:
      'What they ask to get into. All but the cluster and the namespace is known once the cluster was asked.',
    read: (it) => it.target,
  },
  request: { shape: REQUEST, description: 'What they ask for.', read: (it) => it.request },
  history: { shape: HISTORY, description: 'Sessions, counted.', read: (it) => it },
  onCall: {
    shape: map(1_000, 253, BOOL),
    description:
      "Whether they are on call, by the name of an OnCallSource: `onCall['payments']`. Not known where it could not tell.",
    read: (it) =>
      Object.fromEntries(Object.entries(it.onCall).filter(([, value]) => value !== 'unknown')),
  },
  now: { shape: TIMESTAMP, description: 'When they asked.', read: (it) => it.now },
} as const satisfies Readonly<Record<keyof Facts, Field<Facts>>>;

export function isFact(name: string): name is keyof Facts {
  return Object.hasOwn(FACTS, name);
}

export const FACTS_SHAPE: ObjectShape = object<Facts>('Facts', FACTS);

/** A row of the documentation: `target.containers[].image`, `string`, what it is and how large it may be. */
export interface FactRow {
  readonly path: string;
  readonly type: string;
  readonly atMost: string;
  readonly description: string;
}

/** Every fact with what is in it, in the order of the table. */
export function factRows(shape = FACTS_SHAPE, prefix = ''): FactRow[] {
  return Object.entries(shape.fields).flatMap(([name, field]) => {
    const path = `${prefix}${name}`;
    const row = {
      path,
      type: celType(field.shape).replaceAll(/google\.protobuf\.(\w)/g, (_, it: string) =>
        it.toLowerCase(),
      ),
      atMost: atMost(field.shape),
      description: field.description,
    };
    const [within, below] =
      field.shape.kind === 'list' ? [field.shape.of, `${path}[].`] : [field.shape, `${path}.`];
    return [row, ...(within.kind === 'object' ? factRows(within, below) : [])];
  });
}

function atMost(shape: Shape): string {
  switch (shape.kind) {
    case 'text':
      return `${count(shape.chars)} characters`;
    case 'list':
      return [`${count(shape.items)} items`, atMost(shape.of)]
        .filter((it) => it !== '')
        .join(', each ');
    case 'map':
      return [`${count(shape.items)} keys of ${count(shape.keyChars)} characters`, atMost(shape.of)]
        .filter((it) => it !== '')
        .join(', each ');
    case 'bool':
    case 'int':
    case 'double':
    case 'duration':
    case 'timestamp':
    case 'null':
    case 'object':
      return '';
  }
}

function count(number: number): string {
  return number.toLocaleString('en-US');
}
