import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const Names = z.record(z.string(), z.string()).default({});
const Locked = z.object({
  version: z.string(),
  integrity: z.string().optional(),
  dev: z.boolean().default(false),
  optional: z.boolean().default(false),
  devOptional: z.boolean().default(false),
  dependencies: Names,
  optionalDependencies: Names,
  peerDependencies: Names,
});
const LockFile = z.object({
  lockfileVersion: z.literal(3),
  packages: z.record(z.string(), z.unknown()),
});

/** A package of production: what the lock file says of it. */
export interface ProductionPackage {
  /** Where it is installed, as the lock file has it: `node_modules/a/node_modules/b`; empty for the project itself. */
  readonly path: string;
  /** The paths of the packages that it would load, sorted. */
  readonly needs: readonly string[];
  /** The checksum of its archive, as npm writes it. */
  readonly integrity: string | undefined;
}

/**
 * What `npm ci --omit=dev --omit=optional` installs by the lock file of the folder, and the project itself first. Asks
 * nobody and looks at nothing that is installed.
 */
export function productionPackages(folder: string): ProductionPackage[] {
  const text = readFileSync(join(folder, 'package-lock.json'), 'utf8');
  const { packages } = LockFile.parse(JSON.parse(text));
  const kept = Object.entries(packages)
    .map(([path, entry]) => ({ path, ...Locked.parse(entry) }))
    .filter(({ dev, optional, devOptional }) => !dev && !optional && !devOptional);
  const paths = new Set(kept.map(({ path }) => path));
  return kept.map((it) => {
    const names = [it.dependencies, it.optionalDependencies, it.peerDependencies].flatMap(
      (wanted) => Object.keys(wanted),
    );
    const found = names.map((name) => resolved(it.path, name, paths));
    const needs = [...new Set(found.filter((path) => path !== undefined))].sort();
    return { path: it.path, needs, integrity: it.integrity };
  });
}

/** Where Node finds a package from another: beside it or in a folder above. Undefined where it was left out. */
function resolved(from: string, name: string, paths: ReadonlySet<string>): string | undefined {
  for (
    let above = from;
    ;
    above = above.slice(0, Math.max(0, above.lastIndexOf('node_modules/') - 1))
  ) {
    const path = above === '' ? `node_modules/${name}` : `${above}/node_modules/${name}`;
    if (paths.has(path)) return path;
    if (above === '') return undefined;
  }
}
