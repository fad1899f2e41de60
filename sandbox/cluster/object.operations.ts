import { randomUUID } from 'node:crypto';
import { wireTime, type IncomingObject, type KubeObject, type StoredMeta } from './kube.object.js';
import type { ObjectStore, Plural, Stored } from './object.store.js';
import { nameSuffix } from './pod.defaults.js';
import { validateName } from './pod.validation.js';
import { resourceOf, apiVersionOf } from './resource.catalog.js';
import {
  alreadyExists,
  badRequest,
  conflict,
  forbidden,
  invalid,
  notFound,
  refuse,
  type Refusal,
} from './status.objects.js';

/** Metadata as the server fills it in on creation. */
export function newMeta(
  given: IncomingObject['metadata'],
  namespace: string | undefined,
  now: Date,
): StoredMeta {
  const { generateName, labels, annotations, ...rest } = given;
  delete rest['managedFields'];
  delete rest['selfLink'];
  return {
    ...rest,
    ...(generateName ? { generateName } : {}),
    name: given.name || (generateName ? `${generateName}${nameSuffix()}` : ''),
    ...(namespace === undefined ? {} : { namespace }),
    uid: randomUUID(),
    resourceVersion: '',
    creationTimestamp: wireTime(now),
    ...(labels && Object.keys(labels).length > 0 ? { labels } : {}),
    ...(annotations && Object.keys(annotations).length > 0 ? { annotations } : {}),
  };
}

export interface CreateRequest<K extends Plural> {
  store: ObjectStore;
  resource: K;
  namespace: string | undefined;
  object: Stored[K];
  dryRun?: boolean;
}

/** The checks every creation passes, then the write. */
export function createObject<K extends Plural>(request: CreateRequest<K>): Stored[K] | Refusal {
  const refusal = checkCreate(request);
  if (refusal !== undefined) return refusal;
  return request.dryRun === true
    ? request.object
    : request.store.put(request.resource, request.object);
}

export function checkCreate<K extends Plural>({
  store,
  resource,
  namespace,
  object,
}: CreateRequest<K>): Refusal | undefined {
  const { group, kind } = resourceOf(resource);
  const { name } = object.metadata;
  // RBAC names may hold almost anything (`system:discovery`); all others are DNS names.
  if (group !== 'rbac.authorization.k8s.io' || name === '') {
    const errors = validateName(name, resource === 'namespaces' ? 'label' : 'subdomain');
    if (errors.length > 0) return invalid({ kind, group, name }, errors);
  }
  if (namespace !== undefined) {
    const home = store.get('namespaces', undefined, namespace);
    if (home === undefined) {
      return notFound({ group: '', resource: 'namespaces', name: namespace });
    }
    if (home.metadata.deletionTimestamp !== undefined) {
      return forbidden(
        { group, resource, name },
        `unable to create new content in namespace ${namespace} because it is being terminated`,
      );
    }
  }
  if (store.get(resource, namespace, name) !== undefined) {
    return alreadyExists({ group, resource, name });
  }
  return undefined;
}

/** The namespace and kind in a body must agree with the path it was sent to. */
export function checkAgainstPath(
  object: IncomingObject,
  resource: Plural,
  namespace: string | undefined,
): Refusal | undefined {
  const row = resourceOf(resource);
  const expected = apiVersionOf(row);
  const { apiVersion = expected, kind = row.kind } = object;
  if (apiVersion !== expected || kind !== row.kind) {
    const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
    return badRequest(
      `the API version in the data (${group ? `${group}/` : ''}${version}) does not match the expected API version (${expected})`,
    );
  }
  const given = object.metadata.namespace;
  if (namespace !== undefined && given !== undefined && given !== '' && given !== namespace) {
    return badRequest(
      'the namespace of the provided object does not match the namespace sent on the request',
    );
  }
  if (object.metadata.resourceVersion) {
    return refuse({
      code: 500,
      message: 'resourceVersion should not be set on objects to be created',
    });
  }
  return undefined;
}

export interface Preconditions {
  uid?: string | undefined;
  resourceVersion?: string | undefined;
}

export function checkPreconditions(
  resource: Plural,
  { metadata }: KubeObject,
  { uid, resourceVersion }: Preconditions,
): Refusal | undefined {
  const { group } = resourceOf(resource);
  const what = { group, resource, name: metadata.name };
  if (uid !== undefined && uid !== metadata.uid) {
    return conflict(
      what,
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${metadata.uid}`,
    );
  }
  if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion) {
    return conflict(
      what,
      `Precondition failed: ResourceVersion in precondition: ${resourceVersion}, ResourceVersion in object meta: ${metadata.resourceVersion}`,
    );
  }
  return undefined;
}
