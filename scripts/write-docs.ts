import { writeFile } from 'node:fs/promises';
import { madeDocuments } from './documents.js';

for (const { path, text } of await madeDocuments()) {
  await writeFile(path, text);
  console.log(path);
}
