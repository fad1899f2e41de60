import { parseAllDocuments, stringify } from 'yaml';
import type { Document } from 'yaml';
import { format, resolveConfig } from 'prettier';
import type { Helm } from '../sandbox/cluster/helm.runner.js';

const CHART = 'helm/hallpass';
const FOLDER = 'deploy/kustomize';
/** What only Helm has a use for, and the digest of a configuration that is there to be changed. */
const OF_HELM: readonly (readonly [under: string, name: string])[] = [
  ['labels', 'helm.sh/chart'],
  ['labels', 'app.kubernetes.io/managed-by'],
  ['annotations', 'helm.sh/hook'],
  ['annotations', 'helm.sh/hook-weight'],
  ['annotations', 'helm.sh/hook-delete-policy'],
  ['annotations', 'checksum/config'],
];
const HEADER = ' Made by `npm run deploy:render` from helm/hallpass: change it there.';

/** A file of deploy/kustomize that is made from the chart. */
export interface Rendered {
  readonly path: string;
  readonly text: string;
}

/**
 * The plain manifests: what the chart renders with ci/default-values.yaml as release `hallpass` in the namespace
 * `hallpass`. What Helm runs as hooks is a folder of its own, `migrations`.
 */
export async function renderKustomize(helm: Helm): Promise<Rendered[]> {
  const values = `${CHART}/ci/default-values.yaml`;
  const args = ['template', 'hallpass', CHART, '--namespace', 'hallpass', '--values', values];
  const run = await helm.run(args);
  if (run.exitCode !== 0) throw new Error(run.stderr);
  const files = new Map<string, Document[]>();
  for (const document of parseAllDocuments(run.stdout)) {
    const path = fileOf(document);
    if (path === undefined) continue;
    withoutHelm(document);
    files.set(path, [...(files.get(path) ?? []), document]);
  }
  const objects = [...files].map(([path, documents]) => ({
    path,
    text: `#${HEADER}\n${documents.map(textOf).join('---\n')}`,
  }));
  const folders = ['base', 'migrations'].map((folder) => kustomization(folder, [...files.keys()]));
  return Promise.all([...objects, ...folders].map(formatted));
}

/** By the template that it came from; the migrations have a folder of their own. */
function fileOf(document: Document): string | undefined {
  if (document.contents === null) return undefined;
  const source = /# Source: hallpass\/templates\/(\S+)/.exec(
    `#${document.commentBefore ?? ''}\n#${commentOf(document)}`,
  )?.[1];
  if (source === undefined) throw new Error('an object without its template');
  const isHook = document.getIn(['metadata', 'annotations', 'helm.sh/hook']) !== undefined;
  return `${FOLDER}/${isHook ? 'migrations' : 'base'}/${source}`;
}

function commentOf(document: Document): string {
  return document.contents?.commentBefore ?? '';
}

function withoutHelm(document: Document): void {
  for (const place of [['metadata'], ['spec', 'template', 'metadata']]) {
    for (const [under, name] of OF_HELM) {
      if (!document.hasIn([...place, under, name])) continue;
      document.deleteIn([...place, under, name]);
      const left = document.getIn([...place, under]) as { items: unknown[] };
      if (left.items.length === 0) document.deleteIn([...place, under]);
    }
  }
}

/** Without the line that Helm puts above, and without the line that parts documents. */
function textOf(document: Document): string {
  const plain = (text: string | null | undefined): string | null => {
    const lines = (text ?? '').split('\n').filter((line) => !line.includes('Source: hallpass/'));
    return lines.join('\n').trim() === '' ? null : lines.join('\n');
  };
  document.commentBefore = plain(document.commentBefore);
  if (document.contents) document.contents.commentBefore = plain(document.contents.commentBefore);
  document.directives = undefined;
  return document.toString({ lineWidth: 0 });
}

function kustomization(folder: string, paths: readonly string[]): Rendered {
  const prefix = `${FOLDER}/${folder}/`;
  const resources = paths
    .filter((path) => path.startsWith(prefix))
    .map((path) => path.slice(prefix.length))
    .sort();
  const object = { apiVersion: 'kustomize.config.k8s.io/v1beta1', kind: 'Kustomization' };
  return {
    path: `${prefix}kustomization.yaml`,
    text: `#${HEADER}\n${stringify({ ...object, resources })}`,
  };
}

async function formatted({ path, text }: Rendered): Promise<Rendered> {
  const options = await resolveConfig(path);
  return { path, text: await format(text, { ...options, filepath: path }) };
}
