import { z } from 'zod';
import { admissionRequest } from './admission.request.js';
import type { JsonReply, ResourceRequest } from './api.exchange.js';
import type { ClusterParts } from './cluster.parts.js';
import { normalise, unknownFields } from './ephemeral.container.js';
import { validateEphemeralUpdate } from './ephemeral.validation.js';
import { goValue, parseJson } from './go.format.js';
import { isObject, sameJson } from './json.value.js';
import { jsonPatch, mergePatch } from './json-patch.js';
import type { ObjectStore } from './object.store.js';
import { checkPodSecurity } from './pod-security.js';
import { EphemeralContainer, type Pod } from './pod.schema.js';
import {
  badRequest,
  conflict,
  fieldError,
  invalid,
  isRefusal,
  notFound,
  notSupported,
  objectModified,
  refuse,
  type Refusal,
} from './status.objects.js';
import { strategicMerge } from './strategic-merge.js';

/** What of a patched Pod counts here: everything else in a patch is dropped without a word, as the real server does. */
const Patched = z.looseObject({
  metadata: z.looseObject({
    name: z.string().optional(),
    namespace: z.string().optional(),
    uid: z.string().optional(),
    resourceVersion: z.string().optional(),
  }),
  spec: z.looseObject({
    ephemeralContainers: z.array(z.looseObject({})).nullish(),
  }),
});

/** gRPC's limit between API server and etcd (measured: "larger than max (… vs. 2097152)"). */
const storedBytesMax = 2_097_152;

type Tree = Record<string, unknown>;
type Patcher = (pod: Tree, patch: unknown) => unknown;

const patchers: Readonly<Record<string, Patcher>> = {
  'application/strategic-merge-patch+json': (pod, patch) =>
    isObject(patch) ? strategicMerge(pod, patch) : badRequest('the patch is not a JSON object'),
  'application/merge-patch+json': mergePatch,
  'application/json-patch+json': jsonPatch,
};

/** `PATCH …/pods/NAME/ephemeralcontainers`: every answer as recorded in test/kubernetes-1.36/patch. */
export async function patchEphemeralContainers(
  { store, admission }: Pick<ClusterParts, 'store' | 'admission'>,
  request: ResourceRequest,
): Promise<JsonReply | Refusal> {
  const { namespace = '', name = '' } = request.info;
  const type = request.contentType.split(';')[0]?.trim() ?? '';
  if (type.startsWith('application/apply-patch')) return notSupported('server-side apply');
  const patcher = patchers[type];
  if (patcher === undefined) {
    return refuse({
      code: 415,
      reason: 'UnsupportedMediaType',
      message: '415: Unsupported Media Type',
      details: {},
    });
  }
  const body = await request.readBody();
  if (isRefusal(body)) return body;
  const pod = store.get('pods', namespace, name);
  const parsed = parseJson(body.toString('utf8'));
  if (pod === undefined) return notFound({ group: '', resource: 'pods', name });
  if ('error' in parsed) return badRequest(parsed.error);
  const warnings = checkFields(parsed.value, request.query.get('fieldValidation') ?? 'Warn');
  if (isRefusal(warnings)) return warnings;

  const applied = patcher(pod, parsed.value);
  if (isRefusal(applied)) return applied;
  const updated = toPod(pod, applied);
  if (isRefusal(updated)) return updated;
  const refusal = validate(store, pod, updated);
  if (refusal !== undefined) return refusal;
  const admitted = admission.review({
    object: updated,
    oldObject: pod,
    request: admissionRequest(request, 'UPDATE'),
  });
  Object.assign(request.annotations, admitted.annotations);
  if (admitted.refusal !== undefined) return admitted.refusal;

  const told = [...warnings, ...admitted.warnings];
  const headers =
    told.length > 0
      ? { warning: told.map((text) => `299 - ${JSON.stringify(text)}`).join(', ') }
      : {};
  if (sameJson(updated.spec, pod.spec)) return { status: 200, body: pod, headers };
  const written: Pod = {
    ...updated,
    metadata: { ...updated.metadata, generation: (pod.metadata.generation ?? 1) + 1 },
  };
  if (request.query.getAll('dryRun').includes('All'))
    return { status: 200, body: written, headers };
  const size = Buffer.byteLength(JSON.stringify(written));
  if (size > storedBytesMax) {
    return refuse({
      code: 500,
      message: `rpc error: code = ResourceExhausted desc = trying to send message larger than max (${size} vs. ${storedBytesMax})`,
    });
  }
  return { status: 200, body: store.put('pods', written), headers };
}

/** Unknown fields: ignored, warned of, or refused, as `fieldValidation` says (measured: patch/unknown-field-strict.json). */
function checkFields(patch: unknown, mode: string): string[] | Refusal {
  if (mode === 'Ignore' || !isObject(patch)) return [];
  const spec = patch['spec'];
  const list = isObject(spec) ? spec['ephemeralContainers'] : undefined;
  const texts = (Array.isArray(list) ? list : [])
    .flatMap((container, i) => unknownFields(container, `spec.ephemeralContainers[${i}]`))
    .map((field) => `unknown field "${field}"`);
  if (mode !== 'Strict' || texts.length === 0) return texts;
  return invalid({ kind: '', name: '' }, [
    fieldError.invalid('patch', goValue(patch), `strict decoding error: ${texts.join(', ')}`),
  ]);
}

/** The updated Pod: the old one with the patched list of ephemeral containers, and what pins it (uid, resourceVersion). */
function toPod(pod: Pod, applied: unknown): Pod | Refusal {
  const patched = Patched.safeParse(applied);
  if (!patched.success) return cannotDecode(patched.error);
  const { metadata, spec } = patched.data;
  if (metadata.name !== pod.metadata.name) {
    return badRequest(
      `the name of the object (${metadata.name ?? ''}) does not match the name on the URL (${pod.metadata.name})`,
    );
  }
  if (metadata.namespace !== pod.metadata.namespace) {
    return badRequest(
      'the namespace of the provided object does not match the namespace sent on the request',
    );
  }
  const containers = z
    .array(EphemeralContainer)
    .safeParse((spec.ephemeralContainers ?? []).map((container) => normalise(container)));
  if (!containers.success) return cannotDecode(containers.error);
  const { ephemeralContainers: _dropped, ...rest } = pod.spec;
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      uid: metadata.uid ?? pod.metadata.uid,
      resourceVersion: metadata.resourceVersion ?? pod.metadata.resourceVersion,
    },
    spec: containers.data.length > 0 ? { ...rest, ephemeralContainers: containers.data } : rest,
  };
}

function cannotDecode(error: z.ZodError): Refusal {
  const where = error.issues[0]?.path.join('.') ?? '';
  return badRequest(
    `Pod in version "v1" cannot be handled as a Pod: json: cannot unmarshal field ${where}: ${error.issues[0]?.message ?? ''}`,
  );
}

function validate(store: ObjectStore, pod: Pod, updated: Pod): Refusal | undefined {
  const { name } = pod.metadata;
  if (updated.metadata.resourceVersion !== pod.metadata.resourceVersion) {
    return conflict({ group: '', resource: 'pods', name }, objectModified);
  }
  const errors = validateEphemeralUpdate(pod, updated);
  if (errors.length > 0) return invalid({ kind: 'Pod', name }, errors);
  if (sameJson(updated.spec, pod.spec)) return undefined;
  const home = store.get('namespaces', undefined, pod.metadata.namespace ?? '');
  return checkPodSecurity(home?.metadata.labels, updated);
}
