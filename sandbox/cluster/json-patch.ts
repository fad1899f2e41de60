import { z } from 'zod';
import { isObject, sameJson } from './json.value.js';
import { badRequest, refuse, type Refusal } from './status.objects.js';

const Operation = z.object({
  op: z.enum(['add', 'remove', 'replace', 'move', 'copy', 'test']),
  path: z.string(),
  from: z.string().optional(),
  value: z.unknown().optional(),
});
const Patch = z.array(Operation);

/** The server's answer to an operation that cannot be applied (apiserver endpoints/handlers/patch.go). */
function cannotApply(): Refusal {
  return refuse({
    code: 422,
    reason: 'Invalid',
    message: 'the server rejected our request due to an error in our request',
    details: {},
  });
}

/** RFC 6902. Returns a new document. */
export function jsonPatch(original: unknown, body: unknown): unknown {
  const parsed = Patch.safeParse(body);
  if (!parsed.success) return badRequest('error decoding patch: not a JSON patch (RFC 6902)');
  let document = structuredClone(original);
  for (const { op, path, from, value } of parsed.data) {
    const parts = pointer(path);
    const source = from === undefined ? undefined : pointer(from);
    if (parts === undefined) return cannotApply();
    if (op === 'test') {
      const found = read(document, parts);
      if (!found.exists || !sameJson(found.value, value)) return cannotApply();
      continue;
    }
    let next: unknown = value;
    if (op === 'move' || op === 'copy') {
      const found = source === undefined ? undefined : read(document, source);
      if (source === undefined || found?.exists !== true) return cannotApply();
      next = structuredClone(found.value);
      if (op === 'move' && !remove(document, source)) return cannotApply();
    }
    if (parts.length === 0) {
      if (op === 'remove') return cannotApply();
      document = next;
      continue;
    }
    if (op === 'remove' || op === 'replace') {
      if (!read(document, parts).exists || !remove(document, parts)) return cannotApply();
    }
    if (op !== 'remove' && !add(document, parts, next)) return cannotApply();
  }
  return document;
}

function pointer(path: string): string[] | undefined {
  if (path === '') return [];
  if (!path.startsWith('/')) return undefined;
  return path
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function read(document: unknown, parts: string[]): { exists: boolean; value: unknown } {
  let current = document;
  for (const part of parts) {
    if (Array.isArray(current) && /^\d+$/.test(part) && Number(part) < current.length) {
      current = current[Number(part)];
    } else if (isObject(current) && Object.hasOwn(current, part)) {
      current = current[part];
    } else return { exists: false, value: undefined };
  }
  return { exists: true, value: current };
}

function remove(document: unknown, parts: string[]): boolean {
  const parent = read(document, parts.slice(0, -1)).value;
  const last = parts.at(-1) ?? '';
  if (Array.isArray(parent)) parent.splice(Number(last), 1);
  else if (isObject(parent)) delete parent[last];
  else return false;
  return true;
}

function add(document: unknown, parts: string[], value: unknown): boolean {
  const parent = read(document, parts.slice(0, -1)).value;
  const last = parts.at(-1) ?? '';
  if (Array.isArray(parent)) {
    const at = last === '-' ? parent.length : Number(last);
    if (!Number.isInteger(at) || at < 0 || at > parent.length) return false;
    parent.splice(at, 0, value);
  } else if (isObject(parent) && last !== '__proto__') parent[last] = value;
  else return false;
  return true;
}

/** RFC 7396. Returns a new document. */
export function mergePatch(original: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const merged: Record<string, unknown> = isObject(original) ? { ...original } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete merged[name];
    else merged[name] = mergePatch(merged[name], value);
  }
  return merged;
}
