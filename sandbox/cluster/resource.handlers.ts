import { z } from 'zod';
import type { JsonReply, Reply, ResourceRequest } from './api.exchange.js';
import { readDocument, readOptions } from './body.reader.js';
import type { ClusterParts } from './cluster.parts.js';
import { withGeneratedSelector } from './job.selector.js';
import { IncomingObject, type KubeObject, type StoredMeta, wireTime } from './kube.object.js';
import { readList } from './list.reader.js';
import {
  checkAgainstPath,
  checkPreconditions,
  createObject,
  newMeta,
} from './object.operations.js';
import type { Plural } from './object.store.js';
import { createPod, deletePod } from './pod.operations.js';
import { IncomingPod } from './pod.schema.js';
import { IncomingBinding, IncomingRole } from './rbac.schema.js';
import { apiVersionOf } from './resource.catalog.js';
import {
  fieldError,
  forbidden,
  invalid,
  isRefusal,
  methodNotAllowed,
  notFound,
  notSupported,
  successStatus,
  type Refusal,
} from './status.objects.js';
import { printTable, wantsTable } from './table.printer.js';
import { openWatch } from './watch.stream.js';
import { IncomingBudget, IncomingWorkload, type WorkloadSpec } from './workload.schema.js';

/** get, list, watch, create and delete of whole objects. */
export async function handleResource(
  parts: ClusterParts,
  request: ResourceRequest,
  signal: AbortSignal,
): Promise<Reply> {
  const { verb } = request.info;
  const { verbs } = request.resource;
  if (verb === 'update' || verb === 'patch' || verb === 'deletecollection') {
    return notSupported(`${verb} of ${request.plural}`);
  }
  if (!verbs.includes(verb)) return methodNotAllowed();
  if (verb === 'get') return getObject(parts, request);
  if (verb === 'list') return listObjects(parts, request, signal);
  if (verb === 'watch') return watchObjects(parts, request);
  return verb === 'create' ? create(parts, request) : remove(parts, request);
}

export function getObject({ store, now }: ClusterParts, request: ResourceRequest): Reply {
  const { plural, resource, info } = request;
  const object = find(store, request);
  if (object === undefined) {
    return notFound({ group: resource.group, resource: plural, name: info.name ?? '' });
  }
  if (!wantsTable(request.accept)) return { status: 200, body: object };
  const { resourceVersion } = object.metadata;
  const metadata = { resourceVersion };
  return {
    status: 200,
    body: printTable({ store, plural, objects: [object], metadata, now: now() }),
  };
}

async function listObjects(
  { store, timings, now }: ClusterParts,
  request: ResourceRequest,
  signal: AbortSignal,
): Promise<Reply> {
  const { plural, resource, info, query } = request;
  const list = await readList({
    store,
    resource,
    plural,
    namespace: resource.namespaced ? info.namespace : undefined,
    query,
    futureVersionMs: timings.futureVersionMs,
    signal,
  });
  if (isRefusal(list) || !wantsTable(request.accept)) {
    return isRefusal(list) ? list : { status: 200, body: list };
  }
  const objects = list.items.flatMap((item) => {
    const named = IncomingObject.parse(item).metadata;
    return store.get(plural, named.namespace, named.name ?? '') ?? [];
  });
  const table = printTable({ store, plural, objects, metadata: list.metadata, now: now() });
  return { status: 200, body: table };
}

function watchObjects(
  { store, faults, timings, now }: ClusterParts,
  request: ResourceRequest,
): Reply {
  const { plural, resource, info, query, url } = request;
  const asTable = wantsTable(request.accept);
  return openWatch({
    store,
    faults,
    resource,
    plural,
    namespace: resource.namespaced ? info.namespace : undefined,
    query,
    url,
    bookmarkMs: timings.bookmarkMs,
    show: (object) =>
      asTable ? printTable({ store, plural, objects: [object], metadata: {}, now: now() }) : object,
  });
}

async function create(parts: ClusterParts, request: ResourceRequest): Promise<Reply> {
  const { store } = parts;
  const { plural, resource, info, query } = request;
  if (resource.namespaced && info.namespace === undefined) return methodNotAllowed();
  const namespace = resource.namespaced ? info.namespace : undefined;
  const dryRun = query.getAll('dryRun').includes('All');
  const now = parts.now();
  const shared = { store, namespace, dryRun };
  const base = { apiVersion: apiVersionOf(resource), kind: resource.kind };
  const answer = (made: KubeObject | Refusal): JsonReply | Refusal =>
    isRefusal(made) ? made : { status: 201, body: made };
  const read = async <T extends IncomingObject>(schema: z.ZodType<T>) => {
    const given = await readDocument(request, schema, resource.kind);
    return isRefusal(given) ? given : (checkAgainstPath(given, plural, namespace) ?? given);
  };

  switch (plural) {
    case 'pods': {
      const given = await read(IncomingPod);
      if (isRefusal(given)) return given;
      return answer(createPod({ ...shared, namespace: namespace ?? '', given, now }));
    }
    case 'namespaces': {
      const given = await read(IncomingObject);
      if (isRefusal(given)) return given;
      return answer(parts.createNamespace(given.metadata, dryRun));
    }
    case 'serviceaccounts': {
      const given = await read(IncomingObject);
      if (isRefusal(given)) return given;
      const metadata = newMeta(given.metadata, namespace, now);
      return answer(
        createObject({ ...shared, resource: plural, object: { ...given, ...base, metadata } }),
      );
    }
    case 'deployments':
    case 'statefulsets':
    case 'daemonsets':
    case 'replicasets':
    case 'jobs': {
      const given = await read(IncomingWorkload);
      if (isRefusal(given)) return given;
      const metadata = { ...newMeta(given.metadata, namespace, now), generation: 1 };
      const spec = specOf(plural, given.spec, metadata);
      if (isRefusal(spec)) return spec;
      if (spec.selector === undefined) {
        const error = fieldError.required('spec.selector');
        return invalid({ kind: resource.kind, group: resource.group, name: metadata.name }, [
          error,
        ]);
      }
      const object = { ...given, ...base, metadata, spec, status: {} };
      return answer(createObject({ ...shared, resource: plural, object }));
    }
    case 'poddisruptionbudgets': {
      const given = await read(IncomingBudget);
      if (isRefusal(given)) return given;
      const metadata = { ...newMeta(given.metadata, namespace, now), generation: 1 };
      const status = {
        observedGeneration: 0,
        disruptionsAllowed: 0,
        currentHealthy: 0,
        desiredHealthy: 0,
        expectedPods: 0,
      };
      return answer(
        createObject({
          ...shared,
          resource: plural,
          object: { ...given, ...base, metadata, status },
        }),
      );
    }
    case 'roles':
    case 'clusterroles': {
      const given = await read(IncomingRole);
      if (isRefusal(given)) return given;
      const metadata = newMeta(given.metadata, namespace, now);
      return answer(
        createObject({ ...shared, resource: plural, object: { ...given, ...base, metadata } }),
      );
    }
    case 'rolebindings':
    case 'clusterrolebindings': {
      const given = await read(IncomingBinding);
      if (isRefusal(given)) return given;
      const metadata = newMeta(given.metadata, namespace, now);
      return answer(
        createObject({ ...shared, resource: plural, object: { ...given, ...base, metadata } }),
      );
    }
    case 'nodes':
    case 'events':
    case 'validatingadmissionpolicies':
    case 'validatingadmissionpolicybindings':
      return methodNotAllowed();
  }
}

function specOf(plural: Plural, spec: WorkloadSpec, metadata: StoredMeta): WorkloadSpec | Refusal {
  if (plural === 'jobs') return withGeneratedSelector(spec, metadata);
  return plural === 'daemonsets' ? spec : { replicas: 1, ...spec };
}

const DeleteOptions = z.looseObject({
  gracePeriodSeconds: z.number().int().min(0).optional(),
  propagationPolicy: z.string().optional(),
  orphanDependents: z.boolean().optional(),
  dryRun: z.array(z.string()).optional(),
  preconditions: z
    .looseObject({ uid: z.string().optional(), resourceVersion: z.string().optional() })
    .optional(),
});

async function remove(parts: ClusterParts, request: ResourceRequest): Promise<Reply> {
  const { store } = parts;
  const { plural, resource, info, query } = request;
  const { group } = resource;
  const options = await readOptions(request, DeleteOptions, 'DeleteOptions');
  if (isRefusal(options)) return options;
  const policy = options.propagationPolicy ?? query.get('propagationPolicy') ?? 'Background';
  if (policy === 'Orphan' || options.orphanDependents === true) {
    return notSupported('deletion that orphans dependents');
  }
  const object = find(store, request);
  const name = info.name ?? '';
  if (object === undefined) return notFound({ group, resource: plural, name });
  const preconditions = options.preconditions ?? {};
  const refusal = checkPreconditions(plural, object, preconditions);
  if (refusal !== undefined) return refusal;
  if (options.dryRun?.includes('All') === true || query.getAll('dryRun').includes('All')) {
    return { status: 200, body: object };
  }
  if (plural === 'pods') {
    const pod = store.get('pods', info.namespace, name);
    if (pod === undefined) return notFound({ group, resource: plural, name });
    const fromQuery = query.get('gracePeriodSeconds');
    const graceSeconds =
      options.gracePeriodSeconds ?? (fromQuery === null ? undefined : Number(fromQuery));
    const gone = deletePod({ store, pod, graceSeconds, preconditions, now: parts.now() });
    return isRefusal(gone) ? gone : { status: 200, body: gone };
  }
  if (plural === 'namespaces') {
    if (['default', 'kube-system', 'kube-public'].includes(name)) {
      return forbidden({ group, resource: plural, name }, 'this namespace may not be deleted');
    }
    const ending = store.put('namespaces', {
      ...object,
      metadata: {
        ...object.metadata,
        deletionTimestamp: object.metadata.deletionTimestamp ?? wireTime(parts.now()),
      },
      status: { phase: 'Terminating' },
    });
    return { status: 200, body: ending };
  }
  const namespace = resource.namespaced ? info.namespace : undefined;
  const gone = store.delete(plural, namespace, name);
  if (plural === 'serviceaccounts') {
    parts.authenticator.revokeServiceAccount(namespace ?? '', name);
    return { status: 200, body: gone };
  }
  const { uid } = object.metadata;
  const { code: _, ...status } = successStatus({
    name,
    ...(group ? { group } : {}),
    kind: plural,
    uid,
  });
  return { status: 200, body: status };
}

function find(store: ClusterParts['store'], request: ResourceRequest): KubeObject | undefined {
  const { resource, info } = request;
  const plural: Plural = request.plural;
  return store.get(plural, resource.namespaced ? info.namespace : undefined, info.name ?? '');
}
