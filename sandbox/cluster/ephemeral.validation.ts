import { goDump } from './ephemeral.container.js';
import { unifiedDiff } from './go.format.js';
import { isObject, sameJson } from './json.value.js';
import type { EphemeralContainer, Pod } from './pod.schema.js';
import { fieldError, type FieldError } from './status.objects.js';

export const labelRule =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
export const mirrorAnnotation = 'kubernetes.io/config.mirror';

/** Fields a Container has and an ephemeral one may not set (pkg/apis/core/validation, allowedEphemeralContainerFields). */
const forbiddenFields = [
  'ports',
  'resources',
  'resizePolicy',
  'restartPolicy',
  'restartPolicyRules',
  'livenessProbe',
  'readinessProbe',
  'startupProbe',
  'lifecycle',
] as const;

export const pullPolicies = ['Always', 'IfNotPresent', 'Never'] as const;
const messagePolicies = ['FallbackToLogsOnError', 'File'] as const;

/**
 * Everything the API server checks about the ephemeral containers of an updated Pod, in its order and words
 * (measured: test/kubernetes-1.36/patch).
 */
export function validateEphemeralUpdate(old: Pod, updated: Pod): FieldError[] {
  if (old.metadata.annotations?.[mirrorAnnotation] !== undefined) {
    return [fieldError.forbidden('[]', 'static pods do not support ephemeral containers')];
  }
  const errors = validateMeta(old, updated);
  const containers = updated.spec.ephemeralContainers ?? [];
  const taken = new Set(
    [...updated.spec.containers, ...(updated.spec.initContainers ?? [])].map((c) => c.name),
  );
  const targets = new Set(taken);
  containers.forEach((container, i) => {
    const path = `spec.ephemeralContainers[${i}]`;
    errors.push(...validateOne(container, path, updated));
    if (container.name !== '' && taken.has(container.name)) {
      errors.push(fieldError.duplicate(`${path}.name`, container.name));
    }
    taken.add(container.name);
    const target = container.targetContainerName;
    if (target !== undefined && target !== '' && !targets.has(target)) {
      errors.push(fieldError.notFound(`${path}.targetContainerName`, target));
    }
  });
  return [...errors, ...validateUnchanged(old.spec.ephemeralContainers ?? [], containers)];
}

function validateMeta(old: Pod, updated: Pod): FieldError[] {
  if (updated.metadata.uid === old.metadata.uid) return [];
  const error = fieldError.invalid('metadata.uid', updated.metadata.uid, 'field is immutable');
  // The server finds it twice (measured: patch/wrong-uid.json).
  return [error, error];
}

function validateOne(container: EphemeralContainer, path: string, pod: Pod): FieldError[] {
  const errors: FieldError[] = [];
  const { name, image = '' } = container;
  if (name === '') errors.push(fieldError.required(`${path}.name`));
  else if (!/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name)) {
    errors.push(fieldError.invalid(`${path}.name`, name, labelRule));
  } else if (name.length > 63) {
    errors.push(fieldError.invalid(`${path}.name`, name, 'must be no more than 63 characters'));
  }
  if (image === '') errors.push(fieldError.required(`${path}.image`));
  else if (image.trim() !== image) {
    const why = 'must not have leading or trailing whitespace';
    errors.push(fieldError.invalid(`${path}.image`, image, why));
  }
  const pull = container.imagePullPolicy ?? '';
  if (!includes(pullPolicies, pull)) {
    errors.push(fieldError.unsupported(`${path}.imagePullPolicy`, pull, pullPolicies));
  }
  const message = container.terminationMessagePolicy ?? '';
  if (!includes(messagePolicies, message)) {
    errors.push(
      fieldError.unsupported(`${path}.terminationMessagePolicy`, message, messagePolicies),
    );
  }
  (container.env ?? []).forEach(({ name: variable }, i) => {
    if (variable === '') errors.push(fieldError.required(`${path}.env[${i}].name`));
  });
  const volumes = new Set((pod.spec.volumes ?? []).map((volume) => volume.name));
  (container.volumeMounts ?? []).forEach((mount, i) => {
    const at = `${path}.volumeMounts[${i}]`;
    if (!volumes.has(mount.name)) errors.push(fieldError.notFound(`${at}.name`, mount.name));
    if (mount.mountPath === '') errors.push(fieldError.required(`${at}.mountPath`));
    for (const field of ['subPath', 'subPathExpr']) {
      if (mount[field] !== undefined && mount[field] !== '') {
        errors.push(
          fieldError.forbidden(`${at}.${field}`, 'cannot be set for an Ephemeral Container'),
        );
      }
    }
  });
  for (const field of forbiddenFields) {
    if (isSet(container[field])) {
      errors.push(
        fieldError.forbidden(`${path}.${field}`, 'cannot be set for an Ephemeral Container'),
      );
    }
  }
  return errors;
}

function isSet(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (isObject(value)) return Object.keys(value).length > 0;
  return value !== undefined && value !== null && value !== '';
}

function validateUnchanged(
  old: readonly EphemeralContainer[],
  updated: readonly EphemeralContainer[],
): FieldError[] {
  const byName = new Map(updated.map((container) => [container.name, container]));
  return old.flatMap((before) => {
    const after = byName.get(before.name);
    const name = JSON.stringify(before.name);
    if (after === undefined) {
      const why = `existing ephemeral containers ${name} may not be removed\n`;
      return [fieldError.forbidden('spec.ephemeralContainers', why)];
    }
    if (sameJson(before, after)) return [];
    const diff = unifiedDiff(goDump(before), goDump(after));
    const why = `existing ephemeral containers ${name} may not be changed\n${diff}`;
    return [fieldError.forbidden('spec.ephemeralContainers', why)];
  });
}

function includes(list: readonly string[], value: string): boolean {
  return list.includes(value);
}
