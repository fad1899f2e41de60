import { parseAllDocuments, stringify } from 'yaml';
import { z } from 'zod';
import { Helm } from '../../sandbox/cluster/helm.runner.js';
import type { HelmVersion } from '../../sandbox/cluster/helm.runner.js';

export const CHART = 'helm/hallpass';
const DEFAULTS = `${CHART}/ci/default-values.yaml`;

const manifest = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({
    name: z.string(),
    namespace: z.string().optional(),
    labels: z.record(z.string(), z.string()).optional(),
    annotations: z.record(z.string(), z.string()).optional(),
  }),
});

/** An object as it would be applied. */
export type Manifest = z.output<typeof manifest>;

/** Some YAML documents as objects; no key may be there twice, and empty documents are left out. */
export function manifestsOf(text: string): Manifest[] {
  return parseAllDocuments(text, { uniqueKeys: true }).flatMap((document) => {
    if (document.errors.length > 0) throw document.errors[0] ?? new Error('no YAML');
    const value: unknown = document.toJS();
    return value === null ? [] : [manifest.parse(value)];
  });
}

/** The chart, rendered by the real Helm as release `hallpass` in the namespace `hallpass`. */
export class ChartLab implements AsyncDisposable {
  private constructor(readonly helm: Helm) {}

  static async start(version?: HelmVersion): Promise<ChartLab> {
    return new ChartLab(await Helm.with(version));
  }

  /** With the least that must be said, and `values` over it. Throws what Helm says where it refuses. */
  async render(values: object = {}, more: readonly string[] = []): Promise<Manifest[]> {
    const run = await this.template(values, ['--values', DEFAULTS, ...more]);
    if (run.exitCode !== 0) throw new Error(run.stderr);
    return manifestsOf(run.stdout);
  }

  /** What Helm says against values that it must refuse. */
  async refusal(values: object, more = ['--values', DEFAULTS]): Promise<string> {
    const run = await this.template(values, more);
    return run.exitCode === 0 ? 'taken' : run.stderr;
  }

  private template(values: object, more: readonly string[]) {
    const args = ['template', 'hallpass', CHART, '--namespace', 'hallpass'];
    return this.helm.run([...args, ...more, '--values', '-'], stringify(values));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.helm[Symbol.asyncDispose]();
  }
}

/** The one of this kind, and of this name where there are several. */
export function the(objects: readonly Manifest[], kind: string, name?: string): Manifest {
  const found = objects.filter(
    (it) => it.kind === kind && (name === undefined || it.metadata.name === name),
  );
  const [one, ...others] = found;
  if (!one || others.length > 0) throw new Error(`there are ${found.length} of ${kind} ${name}`);
  return one;
}

/** What lies at a path of an object, of any depth; undefined where there is nothing. */
export function at(object: unknown, ...path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>(
    (value, step) =>
      typeof value === 'object' && value !== null && Object.hasOwn(value, step)
        ? (value as Readonly<Record<string | number, unknown>>)[step]
        : undefined,
    object,
  );
}
