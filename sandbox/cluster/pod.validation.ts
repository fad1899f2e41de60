import { labelRule, pullPolicies } from './ephemeral.validation.js';
import type { Pod } from './pod.schema.js';
import { fieldError, type FieldError } from './status.objects.js';

export const subdomainRule =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const label = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;

/** `metadata.name` of most objects: an RFC 1123 subdomain; of namespaces: a label. */
export function validateName(name: string, kind: 'subdomain' | 'label'): FieldError[] {
  if (name === '') {
    return [fieldError.required('metadata.name', 'name or generateName is required')];
  }
  const [rule, why, max] =
    kind === 'label'
      ? ([label, labelRule, 63] as const)
      : ([subdomain, subdomainRule, 253] as const);
  if (name.length > max) {
    return [fieldError.invalid('metadata.name', name, `must be no more than ${max} characters`)];
  }
  return rule.test(name) ? [] : [fieldError.invalid('metadata.name', name, why)];
}

const restartPolicies = ['Always', 'Never', 'OnFailure'] as const;

/** What the stand-in checks of a new Pod: enough that a mistake in a test is found, not all that Kubernetes checks. */
export function validatePod(pod: Pod): FieldError[] {
  const { spec } = pod;
  const errors: FieldError[] = [];
  if (spec.containers.length === 0) errors.push(fieldError.required('spec.containers'));
  const seen = new Set<string>();
  for (const field of ['initContainers', 'containers'] as const) {
    (spec[field] ?? []).forEach((container, i) => {
      const path = `spec.${field}[${i}]`;
      const { name, image = '', imagePullPolicy = '' } = container;
      if (name === '') errors.push(fieldError.required(`${path}.name`));
      else if (!label.test(name) || name.length > 63) {
        errors.push(fieldError.invalid(`${path}.name`, name, labelRule));
      } else if (seen.has(name)) errors.push(fieldError.duplicate(`${path}.name`, name));
      seen.add(name);
      if (image === '') errors.push(fieldError.required(`${path}.image`));
      if (!pullPolicies.some((policy) => policy === imagePullPolicy)) {
        errors.push(
          fieldError.unsupported(`${path}.imagePullPolicy`, imagePullPolicy, pullPolicies),
        );
      }
    });
  }
  const restart = spec.restartPolicy ?? '';
  if (!restartPolicies.some((policy) => policy === restart)) {
    errors.push(fieldError.unsupported('spec.restartPolicy', restart, restartPolicies));
  }
  if ((spec.ephemeralContainers ?? []).length > 0) {
    errors.push(fieldError.forbidden('spec.ephemeralContainers', 'cannot be set on create'));
  }
  return errors;
}
