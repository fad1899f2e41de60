import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { PROJECT_ROOT } from '../../sandbox/project.root.js';
import { CHECKS } from '../../src/domain/doctor/finding.js';
import { NEEDED, rightText } from '../../src/domain/doctor/rights.verdict.js';
import { SLACK_SCOPES } from '../../src/domain/doctor/service.verdicts.js';

test('the document says of every check what it looks at, and of no others', async () => {
  const text = await readFile(join(PROJECT_ROOT, 'docs', 'doctor.md'), 'utf8');
  const table = text.split('## The checks')[1]?.split('###')[0] ?? '';
  const rows = [...table.matchAll(/^\| `([a-z-]+)` +\| (.*?) +\|$/gm)];
  expect(rows.map(([, name, words]) => [name, words])).toEqual(Object.entries(CHECKS));
});

test('the scopes that are missed in Slack are those that the manifest asks for', async () => {
  const text = await readFile(join(PROJECT_ROOT, 'deploy', 'slack-manifest.yaml'), 'utf8');
  const manifest = z
    .object({ oauth_config: z.object({ scopes: z.object({ bot: z.array(z.string()) }) }) })
    .parse(parse(text));
  expect(manifest.oauth_config.scopes.bot).toEqual([...SLACK_SCOPES]);
});

test('the rights that are missed are those of the files that are named for them', async () => {
  const texts = await Promise.all(
    ['rbac', 'rbac-evict', 'rbac-logs', 'rbac-portforward'].map((file) =>
      readFile(join(PROJECT_ROOT, 'deploy', `${file}.yaml`), 'utf8'),
    ),
  );
  const rights = texts.flatMap((file) =>
    parseAllDocuments(file).flatMap((document) => {
      const role = Role.safeParse(document.toJS());
      return (role.data?.rules ?? []).flatMap(({ apiGroups, resources, verbs }) =>
        apiGroups.flatMap((group) =>
          resources.flatMap((resource) =>
            verbs.map((verb) => `${verb} ${resource}${group === '' ? '' : `.${group}`}`),
          ),
        ),
      );
    }),
  );
  expect(NEEDED.map(rightText).toSorted()).toEqual(rights.toSorted());
});

const texts = z.array(z.string());
const Role = z.object({
  kind: z.literal('Role'),
  rules: z.array(z.object({ apiGroups: texts, resources: texts, verbs: texts })),
});
