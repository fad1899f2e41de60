import { z } from 'zod';
import type { ApiRequest, Reply } from './api.exchange.js';
import type { Attributes } from './authorizer.js';
import { readDocument } from './body.reader.js';
import type { ClusterParts } from './cluster.parts.js';
import { decodeAccessReview, isProtobuf } from './protobuf.review.js';
import { fieldError, invalid, isRefusal, type Refusal } from './status.objects.js';

export const AccessReview = z.looseObject({
  spec: z
    .looseObject({
      resourceAttributes: z
        .looseObject({
          namespace: z.string().optional(),
          verb: z.string().optional(),
          group: z.string().optional(),
          version: z.string().optional(),
          resource: z.string().optional(),
          subresource: z.string().optional(),
          name: z.string().optional(),
        })
        .optional(),
      nonResourceAttributes: z
        .looseObject({ path: z.string().optional(), verb: z.string().optional() })
        .optional(),
    })
    .default({}),
});
export type AccessReview = z.infer<typeof AccessReview>;

/** "May I?" (measured: get/self-subject-access-review.json). kubectl asks it in protobuf. */
export async function reviewAccess(parts: ClusterParts, request: ApiRequest): Promise<Reply> {
  const review = await readReview(request);
  if (isRefusal(review)) return review;
  const { resourceAttributes: on, nonResourceAttributes: path } = review.spec;
  if ((on === undefined) === (path === undefined)) {
    return invalid({ kind: 'SelfSubjectAccessReview', group: 'authorization.k8s.io', name: '' }, [
      fieldError.invalid(
        'spec.resourceAttributes',
        '',
        'exactly one of nonResourceAttributes or resourceAttributes must be specified',
      ),
    ]);
  }
  const asked: Attributes = {
    verb: on?.verb ?? path?.verb ?? '',
    group: on?.group ?? '',
    resource: on?.resource ?? '',
    subresource: on?.subresource ?? '',
    namespace: on?.namespace,
    name: on?.name,
    ...(path === undefined ? {} : { path: path.path ?? '' }),
  };
  const { allowed, reason } = parts.authorizer.decide(request.user, asked);
  return {
    status: 201,
    body: {
      kind: 'SelfSubjectAccessReview',
      apiVersion: 'authorization.k8s.io/v1',
      metadata: {},
      spec: review.spec,
      status: { allowed, ...(reason ? { reason } : {}) },
    },
  };
}

async function readReview(request: ApiRequest): Promise<AccessReview | Refusal> {
  if (!isProtobuf(request.contentType)) {
    return readDocument(request, AccessReview, 'SelfSubjectAccessReview');
  }
  const body = await request.readBody();
  return isRefusal(body) ? body : decodeAccessReview(body);
}
