import { cp, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { isPolicyErrors, readPolicyDocuments } from '../../src/adapters/policy/policy.documents.js';
import type { PolicySet } from '../../src/domain/policy/policy.js';
import { AskingLab, pod } from '../db/asking.lab.js';
import { Program } from '../support/program.js';

// What a program computes before it says anything takes a busy machine long.
vi.setConfig({ testTimeout: 120_000 });

const DOCUMENT = 'docs/policy-changes.md';
const COMPANY = 'docs/policies';
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hallpass-documented-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The built program, as somebody without a configuration runs it. */
const hallpass = (...args: string[]) => new Program('src/cli.ts', args).ended;

/** What the document says that `hallpass policy …` prints, and the words of the command line. */
async function documented(command: string): Promise<{ args: string[]; output: string }> {
  const text = await readFile(DOCUMENT, 'utf8');
  const [, block = ''] =
    new RegExp(`^\`\`\`console\n[$] hallpass (policy ${command} .*?)^\`\`\``, 'ms').exec(text) ??
    [];
  const [, line = '', output = ''] = /^((?:.*\\\n)*.*\n)([^]*)$/.exec(block) ?? [];
  const words = line.replaceAll('\\\n', ' ').matchAll(/'([^']*)'|\S+/g);
  return { args: [...words].map(([word, quoted]) => quoted ?? word), output };
}

/** The company's rules. */
async function company(): Promise<PolicySet> {
  const names = (await readdir(COMPANY)).filter((name) => name.endsWith('.yaml'));
  const files = names.sort().map(async (name) => ({
    name,
    text: await readFile(join(COMPANY, name), 'utf8'),
  }));
  const set = readPolicyDocuments(await Promise.all(files));
  if (isPolicyErrors(set)) throw new Error('the documents of the company have errors');
  return set;
}

/** The company's documents with shorter sessions in staging, and a consent for capturing traffic there. */
async function proposal(): Promise<string> {
  const copy = join(folder, 'proposed');
  await cp(COMPANY, copy, { recursive: true });
  const text = await readFile(join(copy, 'staging.yaml'), 'utf8');
  const proposed = text
    .replace('longest: 4h', 'longest: 1h')
    .replace('portForward: true', 'approvals: { require: [{ approvers: [security] }] }');
  await writeFile(join(copy, 'staging.yaml'), proposed);
  return copy;
}

describe('the document on changing policies shows', () => {
  test('what explain prints, as far as it shows it', async () => {
    const { args, output } = await documented('explain');
    const { code, stdout, stderr } = await hallpass(...args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(output).toMatch(/\n {2}…\n$/);
    expect(stdout.slice(0, output.length - '  …\n'.length) + '  …\n').toBe(output);
  });

  test('what diff prints, but for ids and times', async () => {
    await using lab = await AskingLab.start(await company());
    lab.clusters.list = () => [{ name: 'dev-1', namespaces: ['*'] }];
    const replica = lab.replica();
    const person = (sub: string) => ({
      person: { iss: 'https://login.lindenlake.example', sub, groups: ['engineers'] },
    });
    const namespace = 'staging-shop';
    const checkout = pod('checkout-5c8d');
    await replica.ask({ namespace, target: checkout, durationSeconds: 900 }, person('robin'));
    await replica.ask({ namespace, target: checkout, durationSeconds: 7_200 }, person('kim'));
    await replica.ask({ namespace, target: checkout, profile: 'network' }, person('kim'));

    const { args, output } = await documented('diff');
    const urlFile = join(folder, 'url');
    await writeFile(urlFile, lab.fresh.serviceUrl);
    const [, , , ...more] = args;
    const { code, stdout, stderr } = await hallpass(
      ...['policy', 'diff', await proposal(), '--database-url-file', urlFile, ...more],
    );
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    expect(told(stdout)).toEqual(told(output));
  });
});

/** Its paragraphs without what is another one each time. */
function told(output: string): string[] {
  const plain = output.replaceAll(/^ {2}session \S+, asked for at \S+$/gm, '  session');
  return plain.trim().split('\n\n').sort();
}
