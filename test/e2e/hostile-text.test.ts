import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ApiClient } from '../../sandbox/broker/api.client.js';
import { asAdmin } from '../../sandbox/database/hallpass.roles.js';
import { BrokerLab } from '../support/broker.lab.js';

let lab: BrokerLab;
let robin: ApiClient;
let audrey: ApiClient;

beforeAll(async () => {
  lab = await BrokerLab.start();
  const broker = await lab.broker();
  robin = await lab.as('requester', broker);
  audrey = await lab.as('auditor', broker);
});
afterAll(() => lab[Symbol.asyncDispose]());

const ask = (over: object) =>
  robin.call('POST', '/v1/sessions', {
    body: {
      namespace: 'payments',
      target: { workload: { kind: 'Deployment', name: 'checkout' } },
      profile: 'shell',
      reason: 'orders are stuck',
      ...over,
    },
  });

const sessionsStored = () =>
  asAdmin(lab.database.adminUrl, async (client) => {
    const { rows } = await client.query<{ count: number }>(
      'SELECT count(*)::int AS count FROM sessions',
    );
    return rows[0]?.count;
  });

/** What must be kept as it was written, everywhere, and do nothing. */
const HARMLESS: Readonly<Record<string, string>> = {
  SQL: `'; DROP TABLE sessions; -- \\'"; SELECT pg_sleep(9)`,
  'a placeholder of SQL': '$1 %s :name ? {0}',
  YAML: 'a: &x [*x, !!js/function "x"]\n---\n<<: *y',
  'a shell expansion': '$(reboot) `reboot` ${IFS} $(HALLPASS_SESSION)',
  HTML: '<script>alert(1)</script><!channel> <@U123>',
  JSON: '{"__proto__":{"admin":true}}',
  'text of many scripts': 'Überlauf 溢れ 🙂‍↔️ ﷽ e\u0301',
  'lines and tabs': 'first\n\tsecond',
};

describe('a reason that is', () => {
  test.each(Object.entries(HARMLESS))('%s is kept as it is', async (_, reason) => {
    const answer = await ask({ reason });
    expect(answer).toMatchObject({ status: 201, body: { request: { reason } } });
    const { id } = answer.body as { id: string };
    expect((await robin.session(id)).request.reason).toBe(reason);
    const [asked] = await audrey.audit(id);
    expect(asked).toMatchObject({ action: 'session.ask', body: { reason } });
    // The next of them asks for the same: while this one is open, it would be this one.
    await robin.act(id, 'end');
  });
});

const REFUSED: readonly (readonly [string, object, string])[] = [
  ['a zero byte in the reason', { reason: 'a\0b' }, '/reason'],
  ['a control character in the reason', { reason: 'a\u001b[2Jb' }, '/reason'],
  ['a mark that turns text around', { reason: 'refund \u202egnp.exe' }, '/reason'],
  ['half a character', { reason: 'a\ud800' }, '/reason'],
  ['nothing but spaces', { reason: ' \n\t ' }, '/reason'],
  ['a line end in the ticket', { ticket: 'INC-1\nINC-2' }, '/ticket'],
  ['a name that is a path', { target: { pod: '../../nodes' } }, '/target'],
  ['a namespace with a query in it', { namespace: 'payments?x=1' }, '/namespace'],
  ['a name in letters that look like others', { namespace: 'рayments' }, '/namespace'],
  ['a duration that is text', { durationSeconds: '60' }, '/durationSeconds'],
  ['a key that is not known', { durationSecond: 60 }, '/durationSecond'],
];

describe('a request with', () => {
  test.each(REFUSED)('%s is refused, the field named, and nothing kept', async (_, over, path) => {
    const before = await sessionsStored();
    const answer = await ask(over);
    expect(answer.status).toBe(422);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    const { errors } = answer.body as { errors: { path: string }[] };
    expect(errors.some((error) => error.path.startsWith(path))).toBe(true);
    expect(await sessionsStored()).toBe(before);
  });

  test('a megabyte of reason is refused unread', async () => {
    const answer = await ask({ reason: 'x'.repeat(1_048_576) });
    expect(answer.status).toBe(413);
  });
});
