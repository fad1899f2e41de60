import { join } from 'node:path';
import ts from 'typescript';
import type { Manifest } from './chart.lab.js';

/** Where the types of a group of the API are: made from Kubernetes' OpenAPI, and from the custom resources' own schemas. */
const PACKAGES: Readonly<Record<string, string>> = {
  'monitoring.coreos.com': '@kubernetes-models/prometheus-operator/',
  'gateway.networking.k8s.io': '@kubernetes-models/gateway-api/',
  'cert-manager.io': '@kubernetes-models/cert-manager/',
};

/**
 * Holds objects against Kubernetes' own types, by having them compiled: what a type does not have, what it must have and
 * is missing, and what is of another kind is a mistake.
 *
 * @returns a sentence for each mistake, none where there is none.
 */
export function typeMistakes(manifests: readonly Manifest[]): string[] {
  const unique = [...new Set(manifests.map((it) => JSON.stringify(it)))];
  const sources = unique.map((json, index) => {
    const { apiVersion, kind } = JSON.parse(json) as Manifest;
    const group = apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '';
    const from = `${PACKAGES[group] ?? 'kubernetes-models/'}${apiVersion}`;
    return `import type { I${kind} as T${index} } from '${from}'; export const it${index}: T${index} = ${json};`;
  });
  return compile(sources, (line) => {
    const { kind, metadata } = JSON.parse(unique[line] ?? '{}') as Manifest;
    return `${kind} ${metadata.name}`;
  });
}

/** One file in memory, with an object on each line. */
function compile(lines: readonly string[], nameOf: (line: number) => string): string[] {
  const path = join(process.cwd(), 'manifests.in-memory.ts');
  const options: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    lib: ['lib.es2022.d.ts'],
    types: [],
    strict: true,
    noEmit: true,
    skipLibCheck: true,
  };
  const host = ts.createCompilerHost(options);
  const read = host.getSourceFile.bind(host);
  const source = ts.createSourceFile(path, lines.join('\n'), ts.ScriptTarget.ES2022);
  host.getSourceFile = (name, ...rest) => (name === path ? source : read(name, ...rest));
  const program = ts.createProgram([path], options, host);
  return ts.getPreEmitDiagnostics(program).map(({ messageText, start }) => {
    const text = ts.flattenDiagnosticMessageText(messageText, ' ').slice(0, 500);
    const line = start === undefined ? 0 : source.getLineAndCharacterOfPosition(start).line;
    return `${nameOf(line)}: ${text}`;
  });
}
