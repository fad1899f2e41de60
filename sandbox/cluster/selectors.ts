import { atPath } from './json.value.js';
import type { KubeObject } from './kube.object.js';
import { badRequest, type Refusal } from './status.objects.js';
import type { LabelSelector } from './workload.schema.js';

export type Predicate = (object: KubeObject) => boolean;

const operators = 'in, notin, =, ==, !=, gt, lt';

/** Parses a label selector. Refuses with the parser's own words (measured: get/list-bad-selector.json). */
export function parseLabelSelector(text: string | null): Predicate | Refusal {
  if (text === null || text.trim() === '') return () => true;
  const tests: ((labels: Readonly<Record<string, string>>) => boolean)[] = [];
  for (const raw of splitRequirements(text)) {
    const requirement = raw.trim();
    const set = /^([^\s!=,()]+)\s+(in|notin)\s*\(([^()]*)\)$/.exec(requirement);
    const equality = /^([^\s!=,()]+)\s*(==|=|!=)\s*([^\s!=,()]*)$/.exec(requirement);
    const exists = /^(!?)\s*([^\s!=,()]+)$/.exec(requirement);
    if (set) {
      const [, key = '', operator, list = ''] = set;
      const values = list.split(',').map((value) => value.trim());
      tests.push((labels) =>
        operator === 'in'
          ? labels[key] !== undefined && values.includes(labels[key])
          : labels[key] === undefined || !values.includes(labels[key]),
      );
    } else if (equality) {
      const [, key = '', operator, value = ''] = equality;
      tests.push((labels) => (operator === '!=' ? labels[key] !== value : labels[key] === value));
    } else if (exists) {
      const [, not, key = ''] = exists;
      tests.push((labels) => (labels[key] !== undefined) !== (not === '!'));
    } else {
      const found = requirement.split(/\s+/)[1] ?? requirement;
      return badRequest(`unable to parse requirement: found '${found}', expected: ${operators}`);
    }
  }
  return (object) => tests.every((test) => test(object.metadata.labels ?? {}));
}

function splitRequirements(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let current = '';
  for (const character of text) {
    if (character === '(') depth++;
    if (character === ')') depth--;
    if (character === ',' && depth === 0) {
      parts.push(current);
      current = '';
    } else current += character;
  }
  return [...parts, current];
}

const podFields = [
  'metadata.name',
  'metadata.namespace',
  'spec.nodeName',
  'spec.restartPolicy',
  'spec.schedulerName',
  'spec.serviceAccountName',
  'spec.hostNetwork',
  'status.phase',
  'status.podIP',
  'status.nominatedNodeName',
] as const;
const eventFields = [
  'metadata.name',
  'metadata.namespace',
  'involvedObject.kind',
  'involvedObject.namespace',
  'involvedObject.name',
  'involvedObject.uid',
  'involvedObject.apiVersion',
  'involvedObject.fieldPath',
  'involvedObject.resourceVersion',
  'reason',
  'reportingComponent',
  'source',
  'type',
] as const;
const selectable: Readonly<Record<string, readonly string[]>> = {
  pods: podFields,
  events: eventFields,
  namespaces: ['metadata.name', 'status.phase'],
};

/** Parses a field selector; only the fields the real server offers for the resource may be named. */
export function parseFieldSelector(resource: string, text: string | null): Predicate | Refusal {
  if (text === null || text.trim() === '') return () => true;
  const allowed = selectable[resource] ?? ['metadata.name', 'metadata.namespace'];
  const tests: Predicate[] = [];
  for (const term of text.split(',')) {
    const match = /^([^=!]+)(==|=|!=)(.*)$/.exec(term);
    if (match === null) {
      return badRequest(`invalid selector: '${text}'; can't understand '${term}'`);
    }
    const [, field = '', operator, value = ''] = match;
    if (!allowed.includes(field)) return badRequest(`field label not supported: ${field}`);
    const path = field === 'source' ? 'source.component' : field;
    tests.push((object) => {
      const actual = atPath(object, path);
      const text = typeof actual === 'string' ? actual : JSON.stringify(actual ?? '');
      const same = (actual === undefined || actual === null ? '' : text) === value;
      return operator === '!=' ? !same : same;
    });
  }
  return (object) => tests.every((test) => test(object));
}

/** A `LabelSelector` object, as workloads and disruption budgets carry it. */
export function matchesSelector(
  selector: LabelSelector | undefined,
  labels: Readonly<Record<string, string>> | null | undefined,
): boolean {
  if (selector === undefined) return false;
  const has = labels ?? {};
  for (const [name, value] of Object.entries(selector.matchLabels ?? {})) {
    if (has[name] !== value) return false;
  }
  return (selector.matchExpressions ?? []).every(({ key, operator, values = [] }) => {
    const value = has[key];
    const verdicts: Readonly<Record<string, boolean>> = {
      In: value !== undefined && values.includes(value),
      NotIn: value === undefined || !values.includes(value),
      Exists: value !== undefined,
      DoesNotExist: value === undefined,
    };
    return verdicts[operator] ?? false;
  });
}
