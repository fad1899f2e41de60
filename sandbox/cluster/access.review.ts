import { z } from 'zod';
import type { ApiRequest, Reply } from './api.exchange.js';
import type { Attributes } from './authorizer.js';
import { readDocument } from './body.reader.js';
import type { ClusterParts } from './cluster.parts.js';
import { decodeAccessReview, isProtobuf } from './protobuf.review.js';
import type { Resource } from './resource.catalog.js';
import { fieldError, invalid, isRefusal, notSupported, type Refusal } from './status.objects.js';

export const AccessReview = z.looseObject({
  spec: z
    .looseObject({
      // Of a SubjectAccessReview: whom it is about.
      user: z.string().optional(),
      groups: z.array(z.string()).nullish(),
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

/**
 * "May I?" (measured: get/self-subject-access-review.json), which kubectl asks in protobuf; and "may they?", which is
 * answered alike for the user and the groups that it names (k8s.io/kubernetes, registry/authorization).
 */
export async function reviewAccess(
  parts: ClusterParts,
  request: ApiRequest,
  { kind, plural }: Pick<Resource, 'kind' | 'plural'>,
): Promise<Reply> {
  const review = await readReview(request, kind);
  if (isRefusal(review)) return review;
  const { resourceAttributes: on, nonResourceAttributes: path, user, groups } = review.spec;
  const about = { kind, group: 'authorization.k8s.io', name: '' };
  const isOwn = plural === 'selfsubjectaccessreviews';
  if (!isOwn && (user ?? '') === '' && (groups ?? []).length === 0) {
    return invalid(about, [
      fieldError.invalid('spec.user', '', 'at least one of user or group must be specified'),
    ]);
  }
  if ((on === undefined) === (path === undefined)) {
    return invalid(about, [
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
  const { allowed, reason } = parts.authorizer.decide(
    isOwn ? request.user : { name: user ?? '', groups: groups ?? [] },
    asked,
  );
  return {
    status: 201,
    body: {
      kind,
      apiVersion: 'authorization.k8s.io/v1',
      metadata: {},
      spec: review.spec,
      status: { allowed, ...(reason ? { reason } : {}) },
    },
  };
}

async function readReview(request: ApiRequest, kind: string): Promise<AccessReview | Refusal> {
  if (!isProtobuf(request.contentType)) return readDocument(request, AccessReview, kind);
  if (kind !== 'SelfSubjectAccessReview') return notSupported(`a ${kind} in protobuf`);
  const body = await request.readBody();
  return isRefusal(body) ? body : decodeAccessReview(body);
}
