import { plainText } from '../../domain/text.js';
import type { Problem, ProblemCode } from '../../domain/problem.js';
import { problem } from '../../domain/problem.js';
import type { ApiFailure } from './api.failure.js';
import type { KubernetesStatus } from './status.schema.js';

/** What a call was about, for the sentences that people read. */
export interface Subject {
  readonly cluster: string;
  readonly namespace: string;
  /** With its kind: `Pod "web"`. */
  readonly what: string;
  /** What was asked for: `the debug container`. */
  readonly act: string;
}

const QUOTED_CHARACTERS_MAX = 400;

/** What a refusal is known by: never the text of a 422, and of a 403 only by {@link MARKERS}. */
interface Sign {
  readonly httpStatus: number;
  readonly status: KubernetesStatus;
}

interface Row {
  readonly when: (sign: Sign) => boolean;
  readonly code: ProblemCode;
  /** What happened, with the subject put in; Kubernetes' own words follow where `quoted`. */
  readonly what: (subject: Subject) => string;
  readonly advice: string;
  readonly quoted: boolean;
}

/**
 * A 403 has no machine-readable part that tells who refused, so its text must: Pod Security's "violates PodSecurity"
 * (pod-security-admission/admission), a policy's "ValidatingAdmissionPolicy", a webhook's "admission webhook", and
 * RBAC's "cannot VERB resource" (apiserver responsewriters). The only texts of Kubernetes that anything here decides by.
 */
const MARKERS = {
  podSecurity: /violates PodSecurity/,
  policy: /ValidatingAdmissionPolicy|admission webhook/,
  impersonation: /cannot impersonate[a-z:-]* resource/,
  rbac: /cannot (?<verb>[a-z:-]+) resource "(?<resource>[^"]{1,100})"/,
} as const;

const marked = (marker: keyof typeof MARKERS) => (sign: Sign) =>
  // 400: a webhook chooses its own status, and that one is common.
  (sign.httpStatus === 403 || sign.httpStatus === 400) &&
  MARKERS[marker].test(sign.status.message ?? '');

/** A field error of a 422, by the reason and the field of its cause. */
const field = (reason: string | undefined, name: RegExp) => (sign: Sign) =>
  sign.status.reason === 'Invalid' &&
  (sign.status.details?.causes ?? []).some(
    (cause) =>
      typeof cause.field === 'string' &&
      name.test(cause.field) &&
      (reason === undefined || cause.reason === reason),
  );

const withReason = (reason: string, httpStatus: number) => (sign: Sign) =>
  sign.httpStatus === httpStatus && sign.status.reason === reason;

const refusedContainer = ({ what, act }: Subject) => `Kubernetes refused ${act} for ${what}`;
const notAccepted = ({ cluster, namespace }: Subject) =>
  `Cluster "${cluster}" does not let Hallpass do this in namespace "${namespace}"`;

/** The first row that fits counts. Measured: test/kubernetes-1.36/patch and admission; API conventions for the rest. */
const ROWS: readonly Row[] = [
  {
    when: ({ httpStatus }) => httpStatus === 401,
    code: 'cluster-unauthorized',
    what: ({ cluster }) => `Cluster "${cluster}" does not accept Hallpass's credentials`,
    advice: 'Tell the operators of Hallpass to renew its kubeconfig or service account token.',
    quoted: false,
  },
  {
    // A policy's cause has a message and nothing else, at 403 or, as its default is, at 422.
    when: (sign) =>
      marked('policy')(sign) ||
      ([403, 422].includes(sign.httpStatus) &&
        (sign.status.details?.causes ?? []).some(({ reason, field: at }) => !reason && !at)),
    code: 'admission-refused',
    what: ({ what, act }) => `An admission policy refused ${act} for ${what}`,
    advice:
      "Ask with a profile that the cluster's policy allows, or have its owners make an exception for Hallpass.",
    quoted: true,
  },
  {
    when: marked('podSecurity'),
    code: 'pod-security-refused',
    what: ({ namespace, act }) => `Pod Security of namespace "${namespace}" refused ${act}`,
    advice:
      "Ask with a profile that fits the namespace's level, or have the level changed. The level is applied to the whole Pod: one that breaks it already can take no debug container at all.",
    quoted: true,
  },
  {
    when: marked('impersonation'),
    code: 'cluster-unauthorized',
    what: ({ cluster }) => `Cluster "${cluster}" does not let Hallpass act in people's names`,
    advice:
      'Tell the operators of Hallpass to apply deploy/rbac-impersonate.yaml there, or to take "impersonate" of that cluster out of its configuration.',
    quoted: false,
  },
  {
    when: marked('rbac'),
    code: 'cluster-unauthorized',
    what: notAccepted,
    advice:
      'Tell the operators of Hallpass to grant its service account the rights in deploy/rbac.yaml.',
    quoted: false,
  },
  {
    when: ({ httpStatus }) => httpStatus === 403,
    code: 'admission-refused',
    what: ({ what, act }) => `The cluster forbids ${act} for ${what}`,
    advice: "Ask the cluster's owners what forbids it.",
    quoted: true,
  },
  {
    when: field('FieldValueInvalid', /^metadata\.uid$/),
    code: 'target-changed',
    what: ({ what }) =>
      `${what} is another one than was chosen: it was made anew under the same name`,
    advice: 'Ask again for the Pod that is there now.',
    quoted: true,
  },
  {
    when: field('FieldValueNotFound', /\.targetContainerName$/),
    code: 'container-not-found',
    what: ({ what }) => `${what} has no such target container`,
    advice: 'Name one of its containers; an ephemeral container cannot be a target.',
    quoted: true,
  },
  {
    when: field('FieldValueForbidden', /^(\[\])?$/),
    code: 'target-not-debuggable',
    what: ({ what }) => `${what} cannot take a debug container`,
    advice: "A static Pod is its node's own: debug it on the node.",
    quoted: true,
  },
  {
    when: field('FieldValueForbidden', /^spec\.ephemeralContainers$/),
    code: 'container-refused',
    what: ({ what }) =>
      `${what} already has a debug container of this name, made differently, and none can be changed`,
    advice: 'Ask for a new session.',
    quoted: true,
  },
  {
    when: field('FieldValueDuplicate', /\.name$/),
    code: 'container-refused',
    what: ({ what }) => `${what} already has a container of this name`,
    advice: 'Ask for a new session.',
    quoted: true,
  },
  {
    when: field('FieldValueForbidden', /^spec\.ephemeralContainers\[\d+\]\./),
    code: 'container-refused',
    what: refusedContainer,
    advice:
      'The profile sets what no ephemeral container may have: have it taken out of the profile.',
    quoted: true,
  },
  {
    when: field('FieldValueRequired', /\.image$/),
    code: 'container-refused',
    what: refusedContainer,
    advice: 'Have an image put into the profile.',
    quoted: true,
  },
  {
    when: field(undefined, /^patch$/),
    code: 'container-refused',
    what: refusedContainer,
    advice:
      "The profile sets a field that this cluster's version of Kubernetes does not know: have it taken out.",
    quoted: true,
  },
  {
    when: ({ httpStatus }) => httpStatus === 422,
    code: 'container-refused',
    what: refusedContainer,
    advice: 'Have the profile corrected where Kubernetes points.',
    quoted: true,
  },
  {
    when: ({ httpStatus }) => httpStatus === 413,
    code: 'container-refused',
    what: refusedContainer,
    advice: 'Have the profile made smaller.',
    quoted: true,
  },
  {
    // Without a name it is the kind of thing that is not there: a cluster too old for it, or no cluster at all.
    when: (sign) => withReason('NotFound', 404)(sign) && Boolean(sign.status.details?.name),
    code: 'target-not-found',
    what: ({ what }) => `${what} is not there any more`,
    advice: 'Ask again for one that is.',
    quoted: true,
  },
  {
    // A Pod that is there, without the subresource that was asked for: too old, or something is between.
    when: withReason('NotFound', 404),
    code: 'cluster-unsupported',
    what: ({ cluster, act, what }) => `Cluster "${cluster}" has no address for ${act} of ${what}`,
    advice:
      'Debug containers are had from Kubernetes 1.25 on: have its operators update it, or let what stands before its API server through.',
    quoted: true,
  },
  {
    when: withReason('Conflict', 409),
    code: 'write-conflict',
    what: ({ what }) => `${what} was being changed by others at the same moment, again and again`,
    advice: 'Try again.',
    quoted: true,
  },
  {
    when: ({ httpStatus }) => httpStatus === 429,
    code: 'cluster-unavailable',
    what: ({ cluster }) => `Cluster "${cluster}" is too busy`,
    advice: 'Try again a little later.',
    quoted: true,
  },
  {
    when: ({ httpStatus }) => httpStatus === 410,
    code: 'cluster-unavailable',
    what: ({ cluster }) => `Cluster "${cluster}" changed while it was being read`,
    advice: 'Try again.',
    quoted: true,
  },
  {
    when: ({ httpStatus }) => httpStatus >= 500,
    code: 'cluster-unavailable',
    what: ({ cluster }) => `Cluster "${cluster}" had an error of its own`,
    advice: "Try again; if it goes on, tell the cluster's operators.",
    quoted: true,
  },
];

const UNKNOWN: Row = {
  when: () => true,
  code: 'cluster-refused',
  what: ({ cluster }) => `Cluster "${cluster}" gave an answer that Hallpass does not know`,
  advice:
    'Tell the operators of Hallpass: its kubeconfig may name what is no API server, or one of an unknown version.',
  quoted: true,
};

/** The problem that a failed call is, for the caller and (in `cause`) for the log. */
export function problemOf(failure: ApiFailure, subject: Subject): Problem {
  switch (failure.failure) {
    case 'refused':
      return refused(failure, subject);
    case 'silent':
      return problem(
        'cluster-unavailable',
        `Cluster "${subject.cluster}" does not answer. Try again; if it goes on, tell the operators of Hallpass.`,
        { cause: failure.cause },
      );
    case 'unreadable':
      return problem(
        'cluster-refused',
        `Cluster "${subject.cluster}" gave an answer that Hallpass does not know. Tell the operators of Hallpass.`,
        { cause: failure.cause },
      );
    case 'misconfigured':
      return problem(
        'cluster-unauthorized',
        `Hallpass has no usable credentials for cluster "${subject.cluster}". Tell its operators to look at the log.`,
        { cause: failure.cause },
      );
  }
}

function refused(failure: Extract<ApiFailure, { failure: 'refused' }>, subject: Subject): Problem {
  const { httpStatus, status, retryAfterSeconds } = failure;
  const row = ROWS.find(({ when }) => when({ httpStatus, status })) ?? UNKNOWN;
  const said = plainText(status.message ?? '', QUOTED_CHARACTERS_MAX)
    .replaceAll(/\s+/g, ' ')
    .trim();
  const quote = row.quoted && said !== '' ? `: Kubernetes says "${said}"` : '';
  return problem(row.code, `${row.what(subject)}${quote}. ${row.advice}`, {
    cause: new Error(causeText({ httpStatus, status }, subject)),
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  });
}

/** For the operators' log; with the right that is missing where RBAC said no. */
function causeText({ httpStatus, status }: Sign, { cluster, namespace }: Subject): string {
  const said = plainText(status.message ?? '');
  const missing = httpStatus === 403 ? MARKERS.rbac.exec(status.message ?? '')?.groups : undefined;
  const grant = missing
    ? ` Grant "${missing['verb'] ?? ''}" on "${missing['resource'] ?? ''}" in namespace "${namespace}" (deploy/rbac.yaml).`
    : '';
  return `cluster "${cluster}" answered ${httpStatus} ${status.reason ?? ''}: ${said}${grant}`;
}
