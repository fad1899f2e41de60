import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { PROJECT_ROOT } from '../../sandbox/project.root.js';
import { CHECKS } from '../../src/domain/doctor/finding.js';

test('the document says of every check what it looks at, and of no others', async () => {
  const text = await readFile(join(PROJECT_ROOT, 'docs', 'doctor.md'), 'utf8');
  const table = text.split('## The checks')[1]?.split('###')[0] ?? '';
  const rows = [...table.matchAll(/^\| `([a-z-]+)` +\| (.*?) +\|$/gm)];
  expect(rows.map(([, name, words]) => [name, words])).toEqual(Object.entries(CHECKS));
});
