import { Controller, Get } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newSessionId } from '../../src/domain/session/session.js';
import type { Answer, Api } from '../support/http.api.js';
import { startApi } from '../support/http.api.js';

/** Somebody forgot to name the permission here. */
@Controller('v1/forgotten')
class ForgottenController {
  @Get()
  read(): string {
    return 'everything';
  }
}

let api: Api;
beforeAll(async () => {
  api = await startApi({ deps: { controllers: [ForgottenController] } });
});
afterAll(() => api.close());

const me = (authorization?: string) =>
  api.call('readMe', {
    path: '/v1/me',
    ...(authorization === undefined ? {} : { headers: { authorization } }),
  });

describe('signing in', () => {
  test('without a token the answer is a challenge without an error code', async () => {
    const { status, headers, body } = await me();
    expect({ status, type: body.type }).toEqual({
      status: 401,
      type: 'urn:hallpass:problem:unauthenticated',
    });
    expect(headers.get('www-authenticate')).toBe('Bearer realm="hallpass"');
  });

  test('a token that is not accepted is named as the error', async () => {
    const { status, headers } = await me('Bearer expired');
    expect(status).toBe(401);
    expect(headers.get('www-authenticate')).toBe('Bearer realm="hallpass", error="invalid_token"');
  });

  test('a token that cannot be checked now is not refused for good', async () => {
    const { status, headers, body } = await me('Bearer unchecked');
    expect({ status, type: body.type, after: body.retry_after_seconds }).toEqual({
      status: 503,
      type: 'urn:hallpass:problem:identity-unavailable',
      after: 3,
    });
    expect(headers.get('retry-after')).toBe('3');
    expect(headers.get('www-authenticate')).toBeNull();
  });

  test('a body is read for nobody who is not signed in, in the sense that nothing of it is answered', async () => {
    const { status, body } = await api.call('requestSession', {
      method: 'POST',
      path: '/v1/sessions',
      body: { reason: 5 },
    });
    expect(status).toBe(401);
    expect(body.errors).toBeUndefined();
  });
});

describe('permissions', () => {
  const CALLS: [string, string, string][] = [
    ['requestSession', 'POST', '/v1/sessions'],
    ['listSessions', 'GET', '/v1/sessions'],
    ['readSession', 'GET', '/v1/sessions/0000000000000000'],
    ['takeEvidence', 'GET', '/v1/sessions/0000000000000000/evidence'],
    ['streamSessionEvents', 'GET', '/v1/sessions/0000000000000000/events'],
    ['decideSession', 'POST', '/v1/sessions/0000000000000000/decisions'],
    ['startSession', 'POST', '/v1/sessions/0000000000000000/start'],
    ['endSession', 'POST', '/v1/sessions/0000000000000000/end'],
    ['revokeSession', 'POST', '/v1/sessions/0000000000000000/revoke'],
    ['reviewSession', 'POST', '/v1/sessions/0000000000000000/review'],
    ['readSessionKubeconfig', 'GET', '/v1/sessions/0000000000000000/kubeconfig'],
    ['listReviews', 'GET', '/v1/reviews'],
    ['listClusters', 'GET', '/v1/clusters'],
    ['readClusterKubeconfig', 'GET', '/v1/clusters/sandbox/kubeconfig'],
    ['listPolicies', 'GET', '/v1/policies'],
    ['listAuditEvents', 'GET', '/v1/audit/events'],
    ['searchAudit', 'GET', '/v1/audit/search'],
    ['listAuditHolds', 'GET', '/v1/audit/holds'],
    ['placeAuditHold', 'POST', '/v1/audit/holds'],
    ['releaseAuditHold', 'POST', '/v1/audit/holds/00000000-0000-4000-8000-000000000000/release'],
    ['reportAccess', 'GET', '/v1/audit/reports/access'],
    ['reportBreakGlass', 'GET', '/v1/audit/reports/break-glass'],
    ['openAuditReview', 'POST', '/v1/audit/reviews'],
    ['listAuditReviews', 'GET', '/v1/audit/reviews'],
    ['readAuditReview', 'GET', '/v1/audit/reviews/x'],
    ['signOffSession', 'POST', '/v1/audit/reviews/x/sessions/y'],
    ['closeAuditReview', 'POST', '/v1/audit/reviews/x/close'],
    ['countAudit', 'GET', '/v1/audit/counts?by=action'],
    ['listChannels', 'GET', '/v1/channels'],
    ['testChannel', 'POST', '/v1/channels/box/test'],
  ];

  test.each(CALLS)('%s is refused to somebody without a role', async (operation, method, path) => {
    const answer = await api.call(operation, {
      who: 'nobody',
      method,
      path,
      ...(method === 'POST' ? { body: {} } : {}),
    });
    expect({ status: answer.status, type: answer.body.type }).toEqual({
      status: 403,
      type: 'urn:hallpass:problem:forbidden',
    });
  });

  test('a refusal says which permission is missing', async () => {
    const { body } = await api.call('listAuditEvents', { who: 'robin', path: '/v1/audit/events' });
    expect(body.detail).toBe(
      'This needs the permission "audit:read". Your groups give you requester.',
    );
  });

  test('a handler that names no permission is not run for anybody', async () => {
    for (const who of ['admin', undefined] as const) {
      const { status, text } = await api.call('', {
        path: '/v1/forgotten',
        ...(who ? { who } : {}),
      });
      expect(status).toBe(403);
      expect(text).not.toContain('everything');
    }
    expect(api.journal.lines.at(-1)).toMatchObject({
      level: 'error',
      facts: { handler: 'ForgottenController.read' },
    });
  });
});

describe('strangers', () => {
  type Try = (id: string) => Promise<Answer>;
  const by = (operation: string, verb = '', more: object = {}): [string, Try] => [
    operation,
    (id) => api.call(operation, { who: 'stranger', path: `/v1/sessions/${id}${verb}`, ...more }),
  ];
  // As an approver of other groups' sessions, so that no role stands in the way.
  const decides = (id: string) =>
    api.call('decideSession', {
      who: 'stranger',
      method: 'POST',
      path: `/v1/sessions/${id}/decisions`,
      headers: { 'if-match': '"1"' },
      body: { verdict: 'approve' },
    });
  const TRIES: [string, Try][] = [
    by('readSession'),
    by('streamSessionEvents', '/events'),
    by('startSession', '/start', { method: 'POST' }),
    by('endSession', '/end', { method: 'POST', headers: { 'if-match': '"9"' } }),
    by('revokeSession', '/revoke', { method: 'POST' }),
    by('reviewSession', '/review', {
      method: 'POST',
      body: { finding: 'justified', comment: 'c' },
    }),
    ['decideSession', decides],
  ];

  test.each(TRIES)(
    '%s cannot tell a session of others from one that is not there',
    async (_, tries) => {
      const { body: theirs } = await api.ask({ namespace: 'payments' });
      const ids = [theirs.id, newSessionId(), 'malformed', 'x'.repeat(300), 'UPPERCASE0000000'];
      const answers = await Promise.all(ids.map((id) => tries(id)));
      const plain = answers.map(({ status, headers, body }, index) => ({
        status,
        headers: [...headers].filter(
          ([name]) => !['date', 'x-request-id', 'content-length'].includes(name),
        ),
        body: {
          ...body,
          instance: '',
          detail: body.detail.replace((ids[index] ?? '').slice(0, 64), 'ID'),
        },
      }));
      expect(plain[0]).toMatchObject({
        status: 404,
        body: { type: 'urn:hallpass:problem:not-found' },
      });
      for (const other of plain) expect(other).toEqual(plain[0]);
    },
  );
});

describe('who asks, as the audit log has it', () => {
  const askFrom = async (trustProxy: boolean | string[], forwarded: string) => {
    const other = await startApi({ settings: { trustProxy } });
    try {
      await other.call('requestSession', {
        who: 'robin',
        method: 'POST',
        path: '/v1/sessions',
        headers: { 'x-forwarded-for': forwarded, 'x-request-id': 'my-request-1' },
        body: { namespace: 'staging', target: { pod: 'web' }, reason: 'r' },
      });
      const body: unknown = JSON.parse(other.store.log.entries[0]?.body.toString() ?? '');
      return (body as { actor: Record<string, unknown> }).actor;
    } finally {
      await other.close();
    }
  };

  test('is who the token names, from the address of the connection, in the request that they named', async () => {
    expect(await askFrom(false, '203.0.113.9')).toMatchObject({
      kind: 'person',
      iss: 'https://id.example',
      sub: 'robin',
      channel: 'api',
      address: '127.0.0.1',
      request: 'my-request-1',
    });
  });

  test('behind trusted proxies it is the right-most address that none of them has', async () => {
    expect(
      (await askFrom(['127.0.0.0/8', '10.0.0.0/8'], '198.51.100.66, 203.0.113.9, 10.1.2.3'))
        .address,
    ).toBe('203.0.113.9');
  });

  test('behind whoever connects it is the one address that they add, not what was sent to them', async () => {
    expect((await askFrom(true, '198.51.100.66, 203.0.113.9')).address).toBe('203.0.113.9');
  });

  test('what is no address is not recorded as one', async () => {
    expect((await askFrom(true, '203.0.113.9, <script>')).address).toBe('127.0.0.1');
  });
});
