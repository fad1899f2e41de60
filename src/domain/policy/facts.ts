import type { Channel } from '../person.js';
import type { WorkloadKind } from '../session/session.js';

/**
 * What policy may look at, all of it gathered before policy is asked: {@link evaluate} does no I/O. Everything in here
 * is plain JSON but for `now`, so that it can be kept beside the decision and the decision be made again from it.
 */
export interface Facts {
  readonly requester: RequesterFacts;
  readonly target: TargetFacts;
  readonly request: RequestFacts;
  readonly history: HistoryFacts;
  readonly onCall: OnCallFacts;
  readonly now: Date;
}

export interface RequesterFacts {
  readonly issuer: string;
  readonly subject: string;
  /** Empty where the token has none. */
  readonly email: string;
  readonly groups: readonly string[];
  /** The claims that the configuration lets through (`identity.issuers[].claims.facts`), each as a text. */
  readonly claims: Readonly<Record<string, string>>;
  /** How strongly they signed in (`acr`); empty where the token does not say. */
  readonly acr: string;
  /** By which methods (`amr`, RFC 8176). */
  readonly amr: readonly string[];
  /** How long ago they signed in (`auth_time`); null where the token does not say. */
  readonly authAgeSeconds: number | null;
}

export interface TargetFacts {
  readonly cluster: string;
  readonly namespace: string;
  /** What only the cluster can tell; null before it was asked. */
  readonly found: FoundTarget | FoundNamespace | null;
}

/**
 * Labels or annotations. Null: not known, because the broker may not read them, or because there are more of them than
 * are kept beside a decision. Part of them would be a lie to whoever asks whether one is missing.
 */
export type Marks = Readonly<Record<string, string>> | null;

/** The namespace alone: there is no such Pod, or it is not to be told of yet. */
export interface FoundNamespace {
  readonly namespaceLabels: Marks;
  readonly namespaceAnnotations: Marks;
  readonly pod: null;
}

/** A Pod and its namespace as they were when it was chosen. */
export interface FoundTarget extends Omit<FoundNamespace, 'pod'> {
  readonly pod: string;
  readonly labels: Marks;
  readonly annotations: Marks;
  readonly owner: { readonly kind: OwnerKind; readonly name: string };
  readonly phase: string;
  readonly ready: boolean;
  /** Of all its containers together. */
  readonly restarts: number;
  readonly containers: readonly ContainerFacts[];
  readonly node: string;
}

/** What was found of a Pod; null where none was. */
export function foundPod({ found }: TargetFacts): FoundTarget | null {
  return found?.pod ? found : null;
}

/** What a Pod belongs to, by its controller; `Pod` where it has none, `Other` where that is of another kind. */
export const OWNER_KINDS = [
  'Deployment',
  'StatefulSet',
  'DaemonSet',
  'Job',
  'Pod',
  'Other',
] as const satisfies readonly (WorkloadKind | 'Pod' | 'Other')[];
export type OwnerKind = (typeof OWNER_KINDS)[number];

export interface ContainerFacts {
  readonly name: string;
  readonly image: string;
  /** `sha256:…` of the image that runs; empty where the cluster does not say. */
  readonly digest: string;
  readonly ready: boolean;
  readonly restarts: number;
}

export interface RequestFacts {
  readonly profile: string;
  /** The container of the Pod whose processes are to be seen; empty where none. */
  readonly container: string;
  readonly durationSeconds: number;
  readonly reason: string;
  readonly ticket: string;
  readonly channel: Channel;
  /** Whether they ask to be let in at once, at the price of a review. */
  readonly breakGlass: boolean;
}

/** Sessions, counted. A session is open until it is denied or ended. */
export interface HistoryFacts {
  /** Of this person. */
  readonly mine: Counts;
  /** On this Pod, of anybody. All zero where no Pod is known. */
  readonly target: Counts;
  /** Break-glass sessions whose review is overdue: of this person, and by team. */
  readonly overdueReviews: {
    readonly mine: number;
    readonly byTeam: Readonly<Record<string, number>>;
  };
}

export interface Counts {
  readonly open: number;
  readonly lastHour: number;
  readonly lastDay: number;
  readonly lastWeek: number;
}

/** Whether the requester is on call, by the name of the OnCallSource. A source that did not answer says `unknown`. */
export type OnCallFacts = Readonly<Record<string, boolean | 'unknown'>>;

export const NO_SESSIONS: Counts = { open: 0, lastHour: 0, lastDay: 0, lastWeek: 0 };

export const NO_HISTORY: HistoryFacts = {
  mine: NO_SESSIONS,
  target: NO_SESSIONS,
  overdueReviews: { mine: 0, byTeam: {} },
};
