/** Why a cluster does not answer as it should. */
export type TroubleKind =
  | 'name-unknown'
  | 'connection-refused'
  | 'no-route'
  | 'timed-out'
  | 'cut-off'
  | 'certificate-expired'
  | 'certificate-untrusted'
  | 'unauthorized'
  | 'no-credentials'
  | 'failing'
  | 'no-kubernetes';

/** The credentials of a cluster, as far as they are told: never what is in them. */
export interface CredentialsState {
  /** When those in use were read. */
  readonly readAt: Date | null;
  /** Since when newer ones are there that cannot be used; those in use are older. */
  readonly refusedSince: Date | null;
}

/** A cluster, as one replica knows it. */
export interface ClusterHealth {
  readonly name: string;
  /** `unknown`: it was not asked yet. */
  readonly state: 'unknown' | 'reachable' | 'unreachable';
  /** Since when it is that; null while it is unknown. */
  readonly since: Date | null;
  readonly answeredAt: Date | null;
  /** Where it is unreachable. */
  readonly trouble: TroubleKind | null;
  /** As it calls itself: `v1.36.2`. */
  readonly version: string | null;
  /** Why no session can be had there, as a sentence; null where nothing is known against it. */
  readonly unsupported: string | null;
  readonly credentials: CredentialsState;
}

/** What is known of a cluster but for its name and its credentials. */
export type Known = Omit<ClusterHealth, 'name' | 'credentials'>;

export const UNKNOWN: Known = {
  state: 'unknown',
  since: null,
  answeredAt: null,
  trouble: null,
  version: null,
  unsupported: null,
};

/** It did what it was asked for, or said no to it. */
export function answered(known: Known, at: Date): Known {
  const since = known.state === 'reachable' ? known.since : at;
  return { ...known, state: 'reachable', since, answeredAt: at, trouble: null };
}

/** It does not answer, or with what is no use. One of several reasons after each other does not begin it anew. */
export function failed(known: Known, trouble: TroubleKind, at: Date): Known {
  const since = known.state === 'unreachable' ? known.since : at;
  return { ...known, state: 'unreachable', since, trouble };
}

/** Each as `it …`, and what an operator does about it. */
export const TROUBLES: Readonly<
  Record<TroubleKind, { readonly what: string; readonly advice: string }>
> = {
  'name-unknown': {
    what: 'has a name that cannot be found (DNS)',
    advice: 'Check the address in its kubeconfig, and the DNS of the Pods of Hallpass.',
  },
  'connection-refused': {
    what: 'refuses connections',
    advice: 'See whether its API server runs, and whether the port is right.',
  },
  'no-route': {
    what: 'is on a network that cannot be reached',
    advice: 'Check routes, firewalls and the egress of the NetworkPolicy.',
  },
  'timed-out': {
    what: 'does not answer in time',
    advice: 'Check firewalls and the egress of the NetworkPolicy, and how its API server is.',
  },
  'cut-off': {
    what: 'cuts connections off',
    advice: 'See what is between: a proxy, a load balancer without a server behind it.',
  },
  'certificate-expired': {
    what: 'has a certificate that has expired',
    advice: 'Renew the certificate of its API server.',
  },
  'certificate-untrusted': {
    what: 'has a certificate that its kubeconfig does not vouch for',
    advice: 'Put the authority that made it into the kubeconfig; see that nobody is between.',
  },
  unauthorized: {
    what: 'does not accept the credentials of Hallpass',
    advice: 'Renew its kubeconfig or service account token: it is read again by itself.',
  },
  'no-credentials': {
    what: 'has a kubeconfig that cannot be used, or credentials in it that cannot',
    advice: 'Look at the log, and at the files that are named there.',
  },
  failing: {
    what: 'answers that it has an error of its own',
    advice: 'See how its API server is.',
  },
  'no-kubernetes': {
    what: 'answers as no API server of Kubernetes does',
    advice: 'Check the address in its kubeconfig: something else is there.',
  },
};
