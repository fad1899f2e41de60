import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { PROJECT_ROOT } from '../../sandbox/project.root.js';
import { KIT_POLICIES } from '../../src/domain/doctor/cluster.verdicts.js';
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

test('the policies that are looked for are those of the lock-down kit', async () => {
  const folder = join(PROJECT_ROOT, 'deploy', 'lockdown');
  const texts = (await readdir(folder)).map((file) => readFile(join(folder, file), 'utf8'));
  const names = (await Promise.all(texts)).flatMap((text) =>
    parseAllDocuments(text).flatMap((document) => {
      const policy = Policy.safeParse(document.toJS());
      return policy.success ? [policy.data.metadata.name] : [];
    }),
  );
  expect(names.toSorted()).toEqual(KIT_POLICIES.map((kind) => `hallpass-${kind}`).toSorted());
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

const Policy = z.object({
  kind: z.literal('ValidatingAdmissionPolicy'),
  metadata: z.object({ name: z.string() }),
});
const texts = z.array(z.string());
const Role = z.object({
  kind: z.literal('Role'),
  rules: z.array(z.object({ apiGroups: texts, resources: texts, verbs: texts })),
});
