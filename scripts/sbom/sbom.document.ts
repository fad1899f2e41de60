import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Types } from '@cyclonedx/cyclonedx-library/Contrib/FromNodePackageJson';
import {
  Builders,
  Factories,
  Utils,
} from '@cyclonedx/cyclonedx-library/Contrib/FromNodePackageJson';
import { Factories as LicenseFactories } from '@cyclonedx/cyclonedx-library/Contrib/License';
import { ComponentType } from '@cyclonedx/cyclonedx-library/Enums';
import { Bom } from '@cyclonedx/cyclonedx-library/Models';
import type { Component } from '@cyclonedx/cyclonedx-library/Models';
import { JSON as Json, JsonSerializer } from '@cyclonedx/cyclonedx-library/Serialize';
import { Spec1dot6, Version } from '@cyclonedx/cyclonedx-library/Spec';
import { JsonStrictValidator } from '@cyclonedx/cyclonedx-library/Validation';
import { PackageURL } from 'packageurl-js';
import parseSpdx from 'spdx-expression-parse';
import { z } from 'zod';
import { productionPackages } from './production.packages.js';

const Named = z.object({ name: z.string(), version: z.string() });
/** The library looks at the rest by itself, and leaves out what it does not understand. */
const Manifest = z.custom<Types.NodePackageJson>((it) => Named.safeParse(it).success);

/** Licences that a package says only in words for people, by its name and version: where, is beside it. */
const SAID_IN_WORDS: Readonly<Record<string, string>> = {
  'pause@0.0.1': 'MIT', // its Readme.md
};

export interface SbomSource {
  /** The folder with package.json and package-lock.json. */
  readonly project: string;
  /** The folder whose `node_modules` is described; every package of production must be in it. */
  readonly tree: string;
  /** The instant that the document names as its own; none by default, so that two of the same tree are the same. */
  readonly madeAt?: Date;
}

/** The bill of materials of production, as CycloneDX 1.6 in JSON, in a fixed order. @throws where a package is missing. */
export function sbomDocument({ project, tree, madeAt }: SbomSource): string {
  const references = new Factories.ExternalReferenceFactory();
  const licenses = new LicenseFactories.LicenseFactory(parseSpdx);
  const builder = new Builders.ComponentBuilder(references, licenses);
  const packages = productionPackages(project);
  const components = new Map<string, Component>();
  for (const { path, integrity } of packages) {
    const folder = path === '' ? project : join(tree, path);
    const manifest = Manifest.parse(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')));
    const type = path === '' ? ComponentType.Application : ComponentType.Library;
    const component = builder.makeComponent(manifest, type);
    if (!component) throw new Error(`${path}/package.json names no package`);
    const { group, name, version } = component;
    component.bomRef.value = path === '' ? name : path;
    component.purl = new PackageURL(
      'npm',
      group ?? null,
      name,
      version ?? null,
      null,
      null,
    ).toString();
    const inWords = SAID_IN_WORDS[`${name}@${version}`];
    if (component.licenses.size === 0 && inWords !== undefined) {
      component.licenses.add(licenses.makeFromString(inWords));
    }
    if (integrity !== undefined) component.hashes.set(...Utils.parsePackageIntegrity(integrity));
    components.set(path, component);
  }
  const componentOf = (path: string): Component => {
    const found = components.get(path);
    if (!found) throw new Error(`no package of production is at ${path}`);
    return found;
  };
  for (const { path, needs } of packages) {
    for (const need of needs) componentOf(path).dependencies.add(componentOf(need).bomRef);
  }
  const bom = new Bom();
  bom.metadata.component = componentOf('');
  if (madeAt) bom.metadata.timestamp = madeAt;
  for (const [path, component] of components) if (path !== '') bom.components.add(component);
  bom.serialNumber = serialOf(project);
  const serializer = new JsonSerializer(new Json.Normalize.Factory(Spec1dot6));
  return `${serializer.serialize(bom, { sortLists: true, space: 2 })}\n`;
}

/** What the schema of CycloneDX 1.6, read strictly, says against a document; undefined where it is in order. */
export async function sbomMistakes(text: string): Promise<string | undefined> {
  const mistakes: unknown = await new JsonStrictValidator(Version.v1dot6).validate(text);
  return mistakes === null ? undefined : JSON.stringify(mistakes);
}

/** The same for the same lock file, and in the form of a random UUID, which the schema asks for. */
function serialOf(project: string): string {
  const lock = readFileSync(join(project, 'package-lock.json'));
  const hex = createHash('sha256').update(lock).digest('hex');
  const parts = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `4${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
  ];
  return `urn:uuid:${parts.join('-')}-${hex.slice(20, 32)}`;
}
