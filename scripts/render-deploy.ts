import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Helm } from '../sandbox/cluster/helm.runner.js';
import { renderKustomize } from './kustomize.render.js';

await using helm = await Helm.with();
for (const { path, text } of await renderKustomize(helm)) {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
  console.log(path);
}
