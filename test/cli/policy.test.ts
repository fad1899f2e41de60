import { randomUUID } from 'node:crypto';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { AskingLab, ROBIN, allow, pod, setOf } from '../db/asking.lab.js';
import { Program } from '../support/program.js';
import { ALEX } from '../support/sessions.js';

// A test runs the program several times, one after the other, and each start is computing.
vi.setConfig({ testTimeout: 120_000 });

const COMPANY = 'docs/policies';
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hallpass-cli-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The built program, as somebody without a configuration runs it. */
const hallpass = (...args: string[]) => new Program('src/cli.ts', args).ended;

/** The company's documents in a folder of their own, one of them changed. */
async function changed(file: string, what: string, by: string): Promise<string> {
  const copy = await mkdtemp(join(folder, 'company-'));
  await cp(COMPANY, copy, { recursive: true });
  const text = await readFile(join(copy, file), 'utf8');
  expect(text).toContain(what);
  await writeFile(join(copy, file), text.replace(what, by));
  return copy;
}

describe('hallpass policy check', () => {
  test('says how many documents there are, and their hash', async () => {
    const { code, stdout, stderr } = await hallpass('policy', 'check', COMPANY);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/11 policies, .* no errors\nhash [0-9a-f]{64}\n/);
  });

  test('tells an error with its place and the nearest right name, and exits with 1', async () => {
    const copy = await changed(
      'payments.yaml',
      "onCall['payments-rota']",
      "onCall['payment-rota']",
    );
    const { code, stdout, stderr } = await hallpass('policy', 'check', copy);
    expect(code).toBe(1);
    expect(stdout + stderr).toMatch(
      /payments\.yaml:\d+:\d+: spec\.when: .*is "payments-rota" meant/,
    );
  });

  test('exits with 2 where there is no such folder, and where it is used wrongly', async () => {
    expect((await hallpass('policy', 'check', join(folder, 'nowhere'))).code).toBe(2);
    expect((await hallpass('policy', 'chekc', COMPANY)).code).toBe(2);
    expect((await hallpass('policy', 'check')).code).toBe(2);
  });
});

describe('hallpass policy test', () => {
  test("the made-up company's documents decide as their tests expect, each refusal explained", async () => {
    const { code, stdout } = await hallpass('policy', 'test', COMPANY);
    expect(stdout).not.toContain('FAIL');
    expect(stdout).toMatch(/\n\d+ passed, 0 failed\n$/);
    expect(code).toBe(0);
    const refusals = (await readFile(join(COMPANY, 'tests/payments.yaml'), 'utf8')).split(
      'verdict: refuse',
    );
    // What a refusal says is part of what is expected of it.
    for (const refusal of refusals.slice(1)) expect(refusal.split('- name:')[0]).toContain('says:');
  });

  test('shows what was decided where that is not what was expected, and exits with 1', async () => {
    const copy = await changed('payments.yaml', "'INC-[0-9]+'", "'TASK-[0-9]+'");
    const { code, stdout } = await hallpass('policy', 'test', copy);
    expect(code).toBe(1);
    expect(stdout).toContain('FAIL');
    expect(stdout).toContain('its ticket must match TASK-[0-9]+');
    expect(stdout).toMatch(/\n\d+ passed, [1-9]\d* failed\n$/);
  });
});

describe('hallpass policy explain', () => {
  const AS_ROBIN = ['--subject', 'robin', '--group', 'payments', '--cluster', 'prod-eu'];
  const CHECKOUT = ['--namespace', 'payments', '--pod', 'checkout-1', '--profile', 'shell'];

  test('tells which rule decides, and what the others lack', async () => {
    const { code, stdout } = await hallpass(
      ...['policy', 'explain', COMPANY, ...AS_ROBIN, ...CHECKOUT],
      ...['--owner', 'Deployment/checkout', '--restarts', '3', '--on-call', 'payments-rota'],
      ...['--duration', '20m', '--reason', 'checkout is down', '--ticket', 'INC-1'],
    );
    expect(code).toBe(0);
    expect(stdout).toContain('payments-oncall');
    expect(stdout).toMatch(/granted/);
  });

  test('says that an on-call source did not answer', async () => {
    const { stdout } = await hallpass(
      ...['policy', 'explain', COMPANY, ...AS_ROBIN, ...CHECKOUT],
      ...['--owner', 'Deployment/checkout', '--restarts', '3'],
      ...['--now', '2026-03-01T02:00:00Z', '--reason', 'checkout is down', '--ticket', 'INC-1'],
    );
    expect(stdout).toContain('refused');
    expect(stdout).toContain('its condition cannot be told');
    expect(stdout).toContain('the on-call source "payments-rota" did not answer');
  });
});

describe('hallpass policy diff', () => {
  const PROPOSED = `apiVersion: hallpass/v1
kind: AccessPolicy
metadata: { name: shop }
spec:
  effect: allow
  match: { groups: [oncall], namespaces: [shop] }
  terms: { longest: LONGEST, approvals: { require: [{ groups: [leads] }] } }
---
apiVersion: hallpass/v1
kind: AccessPolicy
metadata: { name: leads }
spec:
  effect: allow
  match: { groups: [payments-leads], namespaces: [shop] }
  terms: { longest: 1h }
---
apiVersion: hallpass/v1
kind: DebugProfile
metadata: { name: shell }
spec: { image: 'tools:1', allowTag: true, debugProfile: general }
`;

  test('lists every past decision that would change, with who and what and why', async () => {
    await using lab = await AskingLab.start(setOf(allow('shop')));
    const replica = lab.replica();
    await replica.ask({ target: pod('web') });
    await replica.ask({ target: pod('api'), durationSeconds: 3_000 });
    await replica.ask({ target: pod('web') }, { person: ALEX });
    await replica.ask({ target: pod('no-business'), namespace: 'elsewhere' });

    const proposed = await mkdtemp(join(folder, 'proposed-'));
    await writeFile(join(proposed, 'all.yaml'), PROPOSED.replace('LONGEST', '30m'));
    const urlFile = join(folder, `url-${randomUUID()}`);
    await writeFile(urlFile, lab.fresh.serviceUrl);
    const diff = (...more: string[]) =>
      hallpass('policy', 'diff', proposed, '--database-url-file', urlFile, ...more);

    const { code, stdout, stderr } = await diff();
    expect(stderr).toBe('');
    expect(code).toBe(1);
    expect(stdout).toContain(`more-consents: ${ROBIN.sub}, prod/shop, Pod web, profile shell`);
    expect(stdout).toContain(`newly-refused: ${ROBIN.sub}, prod/shop, Pod api, profile shell`);
    expect(stdout).toContain('it grants 1800 seconds at most and 3000 were asked for');
    expect(stdout).toContain('alex@example.com');
    expect(stdout).toContain('4 past decisions made again, 3 would change');

    const json = JSON.parse((await diff('-o', 'json')).stdout) as { changes: { who: string }[] };
    expect(json.changes).toHaveLength(3);
    expect((await diff('--since', '1s', '--limit', '1')).stdout).not.toContain('4 past decisions');
  });

  test('exits with 0 where nothing would change, and names what cannot be made again', async () => {
    await using lab = await AskingLab.start(
      setOf(allow('leads', { match: { groups: ['nobody'] } })),
    );
    await lab.replica().ask({ namespace: 'elsewhere' });
    await lab.replica().ask({ namespace: 'elsewhere', target: pod('old') });
    const owner = new pg.Client({ connectionString: lab.fresh.adminUrl });
    await owner.connect();
    // As those from before facts were kept. Only a superuser who takes the guard away can do that.
    await owner.query(`ALTER TABLE decisions DISABLE TRIGGER ALL`);
    await owner.query(
      `UPDATE decisions SET facts = NULL WHERE id = (SELECT id FROM decisions ORDER BY at LIMIT 1)`,
    );
    await owner.end();
    const proposed = await mkdtemp(join(folder, 'proposed-'));
    await writeFile(join(proposed, 'all.yaml'), PROPOSED.replace('LONGEST', '1h'));
    const urlFile = join(folder, `url-${randomUUID()}`);
    await writeFile(urlFile, lab.fresh.serviceUrl);
    const { code, stdout } = await hallpass(
      ...['policy', 'diff', proposed, '--database-url-file', urlFile],
    );
    expect(stdout).toContain('1 past decision made again, 0 would change');
    expect(stdout).toContain('1 decision cannot be made again');
    expect(code).toBe(0);
  });

  test('exits with 2 and a sentence where the database does not answer', async () => {
    const urlFile = join(folder, `url-${randomUUID()}`);
    await writeFile(urlFile, 'postgresql://hallpass:hunter2@127.0.0.1:1/hallpass');
    const { code, stderr } = await hallpass(
      ...['policy', 'diff', COMPANY, '--database-url-file', urlFile],
    );
    expect(code).toBe(2);
    expect(stderr).not.toContain('hunter2');
    expect(stderr).toContain('database');
  });
});
