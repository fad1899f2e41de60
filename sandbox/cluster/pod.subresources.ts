import { z } from 'zod';
import type { Reply, ResourceRequest } from './api.exchange.js';
import { readDocument } from './body.reader.js';
import type { ClusterParts } from './cluster.parts.js';
import { deletePod } from './pod.operations.js';
import type { Pod } from './pod.schema.js';
import { matchesSelector } from './selectors.js';
import {
  badRequest,
  forbidden,
  isRefusal,
  notFound,
  notSupported,
  refuse,
  type Refusal,
} from './status.objects.js';

const Eviction = z.looseObject({
  metadata: z.looseObject({ name: z.string().optional() }).default({}),
  deleteOptions: z
    .looseObject({
      gracePeriodSeconds: z.number().int().min(0).optional(),
      preconditions: z
        .looseObject({ uid: z.string().optional(), resourceVersion: z.string().optional() })
        .optional(),
    })
    .optional(),
});

/** `POST …/pods/NAME/eviction`, with disruption budgets (pkg/registry/core/pod/storage/eviction.go). */
export async function evict(parts: ClusterParts, request: ResourceRequest): Promise<Reply> {
  const { store } = parts;
  const { info, query } = request;
  const name = info.name ?? '';
  const eviction = await readDocument(request, Eviction, 'Eviction');
  if (isRefusal(eviction)) return eviction;
  if (eviction.metadata.name !== undefined && eviction.metadata.name !== name) {
    return badRequest('name in URL does not match name in Eviction object');
  }
  const pod = store.get('pods', info.namespace, name);
  if (pod === undefined) return notFound({ group: '', resource: 'pods', name });
  const refusal = mayDisrupt(parts, pod);
  if (refusal !== undefined) return refusal;
  if (!query.getAll('dryRun').includes('All')) {
    const gone = deletePod({
      store,
      pod,
      graceSeconds: eviction.deleteOptions?.gracePeriodSeconds,
      preconditions: eviction.deleteOptions?.preconditions ?? {},
      now: parts.now(),
    });
    if (isRefusal(gone)) return gone;
  }
  return {
    status: 201,
    body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 },
  };
}

function mayDisrupt({ store }: ClusterParts, pod: Pod): Refusal | undefined {
  const { phase } = pod.status;
  if (phase !== 'Running' || pod.metadata.deletionTimestamp !== undefined) return undefined;
  const budgets = store
    .list('poddisruptionbudgets', pod.metadata.namespace)
    .filter((budget) => matchesSelector(budget.spec.selector, pod.metadata.labels));
  if (budgets.length > 1) {
    return refuse({
      code: 500,
      message:
        'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
    });
  }
  const budget = budgets[0];
  if (budget === undefined) return undefined;
  const { status, metadata } = budget;
  const ready = (pod.status.conditions ?? []).some(
    (c) => c.type === 'Ready' && c.status === 'True',
  );
  const enough = status.currentHealthy >= status.desiredHealthy && status.desiredHealthy > 0;
  if (!ready && enough) return undefined;
  if (status.observedGeneration < (metadata.generation ?? 1)) {
    return tooMany(
      `The disruption budget ${metadata.name} is still being processed by the server.`,
      10,
    );
  }
  if (status.disruptionsAllowed > 0) return undefined;
  // The real server gives no Retry-After here: NewTooManyRequests(…, 0).
  return tooMany(
    `The disruption budget ${metadata.name} needs ${status.desiredHealthy} healthy pods and has ${status.currentHealthy} currently`,
    undefined,
  );
}

function tooMany(because: string, retryAfterSeconds: number | undefined): Refusal {
  return refuse({
    code: 429,
    reason: 'TooManyRequests',
    message: "Cannot evict pod as it would violate the pod's disruption budget.",
    details: {
      causes: [{ reason: 'DisruptionBudget', message: because }],
      ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    },
  });
}

const TokenRequest = z.looseObject({
  spec: z
    .looseObject({
      expirationSeconds: z.number().int().optional(),
      audiences: z.array(z.string()).optional(),
    })
    .default({}),
});

/** `POST …/serviceaccounts/NAME/token`. The shortest life is ten minutes, as with the real one. */
export async function requestToken(parts: ClusterParts, request: ResourceRequest): Promise<Reply> {
  const { namespace = '', name = '' } = request.info;
  const asked = await readDocument(request, TokenRequest, 'TokenRequest');
  if (isRefusal(asked)) return asked;
  const { audiences = [], expirationSeconds = 3600 } = asked.spec;
  if (audiences.length > 0 && !audiences.includes(apiAudience)) {
    return notSupported('tokens for other audiences than the API server');
  }
  if (expirationSeconds < 600) {
    return forbidden(
      { group: '', resource: 'serviceaccounts', name },
      'may not specify a duration less than 10 minutes',
    );
  }
  const issued = parts.authenticator.issueForServiceAccount(namespace, name, expirationSeconds);
  if (issued === undefined) return notFound({ group: '', resource: 'serviceaccounts', name });
  return {
    status: 201,
    body: {
      kind: 'TokenRequest',
      apiVersion: 'authentication.k8s.io/v1',
      metadata: { name, namespace, creationTimestamp: parts.now().toISOString() },
      spec: { audiences: [apiAudience], expirationSeconds, boundObjectRef: null },
      status: { token: issued.token, expirationTimestamp: issued.expiresAt.toISOString() },
    },
  };
}

const apiAudience = 'https://kubernetes.default.svc.cluster.local';
