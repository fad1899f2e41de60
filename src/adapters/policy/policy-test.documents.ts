import type { z } from 'zod';
import type { PolicyCase } from '../../app/test-policies.js';
import { issueSentences, pathText } from '../../config/issue.sentences.js';
import type { YamlDocument } from '../../config/yaml.reader.js';
import { readYaml } from '../../config/yaml.reader.js';
import type { PolicyTestDocument } from '../../contract/policy-test.schema.js';
import { policyTestSchema } from '../../contract/policy-test.schema.js';
import { nearestName } from '../../domain/nearest.name.js';
import type { PolicyFile } from '../../domain/policy/policy.js';

const DOCUMENTS_MAX = 1000;
const DEPTH_MAX = 32;

/** The cases of test documents; where anything is wrong with one, all errors as `file:line:column: path: sentence`. */
export function readPolicyTests(
  files: readonly PolicyFile[],
): { readonly cases: readonly PolicyCase[] } | { readonly testErrors: readonly string[] } {
  const errors: string[] = [];
  const cases: PolicyCase[] = [];
  let documentsLeft = DOCUMENTS_MAX;
  for (const file of files) {
    const yaml = readYaml(file.text, { documentsMax: documentsLeft, depthMax: DEPTH_MAX });
    documentsLeft -= yaml.documents.length;
    errors.push(
      ...yaml.mistakes.map((it) => `${file.name}:${it.line}:${it.column}: ${it.message}`),
    );
    for (const document of yaml.documents) {
      const parsed = policyTestSchema.safeParse(document.value);
      if (!parsed.success) errors.push(...sentences(document, file.name, parsed.error));
      else cases.push(...casesOf({ ...parsed.data, document, file: file.name, errors }));
    }
  }
  return errors.length > 0 ? { testErrors: errors } : { cases };
}

/** The errors of a document by a schema, with places. */
export function sentences(document: YamlDocument, file: string, error: z.ZodError): string[] {
  return issueSentences(error.issues, () => 'is not known').map(({ path, key, message }) => {
    const at = key === undefined ? document.positionOf(path) : document.positionOfKey(path);
    const parts = [`${file}:${at.line}:${at.column}`, pathText(path), message];
    return parts.filter((part) => part !== '').join(': ');
  });
}

function casesOf({
  metadata,
  spec,
  document,
  file,
  errors,
}: PolicyTestDocument & {
  document: YamlDocument;
  file: string;
  errors: string[];
}): PolicyCase[] {
  const where = (path: readonly PropertyKey[]): string => {
    const { line, column } = document.positionOf(path);
    return `${file}:${line}:${column}`;
  };
  return spec.cases.flatMap((it, index): PolicyCase[] => {
    const path = ['spec', 'cases', index];
    const { name, as: _as, at: _at, person, target, expect, ...rest } = it;
    const named = <T>(from: Readonly<Record<string, T>>, key: 'as' | 'at'): T | undefined => {
      const wanted = it[key];
      if (wanted === undefined) return undefined;
      if (Object.hasOwn(from, wanted)) return from[wanted];
      const near = nearestName(wanted, Object.keys(from));
      const list = key === 'as' ? 'people' : 'targets';
      errors.push(
        `${where([...path, key])}: ${pathText([...path, key])}: is not among spec.${list}${near === undefined ? '' : `: did you mean ${near}?`}`,
      );
      return undefined;
    };
    const [who, what] = [person ?? named(spec.people, 'as'), target ?? named(spec.targets, 'at')];
    if (!who || !what) return [];
    const situation = { person: who, target: what, ...rest };
    return [{ test: metadata.name, name, where: where(path), situation, expect }];
  });
}
