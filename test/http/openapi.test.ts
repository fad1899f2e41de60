import { readFile, readdir } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ACCESS } from '../../src/adapters/http/access.decorators.js';
import { CONTROLLERS } from '../../src/adapters/http/http.module.js';
import { RouteTable } from '../../src/adapters/http/route.table.js';
import { PROBLEMS } from '../../src/domain/problem.js';
import type { Api } from '../support/http.api.js';
import { startApi } from '../support/http.api.js';

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly tags: readonly string[];
  readonly security: readonly object[];
  readonly requestBody?: { readonly required: boolean };
  readonly responses: Readonly<
    Record<string, { description: string; content?: Record<string, unknown> }>
  >;
}

/** What everybody may call, as far as signing in goes. */
const PUBLIC = new Set(['readSignIn', 'receiveKubernetesAudit']);
/** What is opened with a ticket. */
const BY_TICKET = new Set(['openTerminal', 'watchSession']);

function securityOf(operationId: string): object[] | undefined {
  if (PUBLIC.has(operationId)) return undefined;
  return [BY_TICKET.has(operationId) ? { ticket: [] } : { bearer: [] }];
}

let api: Api;
let document: {
  openapi: string;
  info: object;
  servers: object[];
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, object>; securitySchemes: object };
};
let operations: (Operation & { method: string; path: string })[];
beforeAll(async () => {
  api = await startApi({ settings: { publicUrl: 'https://hallpass.example.com' } });
  document = (await api.call('', { path: '/openapi.json' })).body;
  operations = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ ...operation, method, path })),
  );
});
afterAll(() => api.close());

describe('the description of the API', () => {
  test('is OpenAPI 3.1, of this version, at the address that people use, with bearer tokens', () => {
    expect(document).toMatchObject({
      openapi: '3.1.0',
      info: { title: 'Hallpass', version: '0.0.0-test' },
      servers: [{ url: 'https://hallpass.example.com' }],
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
    });
  });

  test('refers to nothing that is not in it', () => {
    const refs = JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g);
    const named = new Set([...refs].map(([, name]) => name ?? ''));
    expect([...named].filter((name) => !(name in document.components.schemas))).toEqual([]);
    expect(JSON.stringify(document)).not.toContain('$defs');
  });

  test('has an example of every body that is sent', () => {
    for (const name of [
      'NewSession',
      'NewDecision',
      'NewReview',
      'NewSlackLink',
      'NewSimulation',
      'NewTicket',
      'Revocation',
      'Nothing',
    ]) {
      expect(document.components.schemas[name]).toHaveProperty('example');
    }
  });

  test('has every address that the router knows, and the router every address that it has', () => {
    const described = operations.map(({ method, path }) => `${method.toUpperCase()} ${path}`);
    const routed = api.app
      .get(RouteTable)
      .list()
      .filter(
        (route) =>
          !route.startsWith('HEAD ') &&
          !/ \/(docs|openapi\.json|kube\/|sign-in|sign-out|link\/|sessions\/|clusters$|me$)/.test(route),
      )
      .map((route) => route.replaceAll(/:(\w+)/g, '{$1}').replace('*', '{path}'));
    expect(described.sort()).toEqual(routed.sort());
  });

  test('names and explains every operation, and what it refuses', () => {
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length);
    for (const { operationId, summary, tags, security, responses } of operations) {
      expect({ operationId, summary, tags, security }).toEqual({
        operationId: expect.stringMatching(/^[a-z][A-Za-z]+$/),
        summary: expect.stringMatching(/\w/),
        tags: [expect.stringMatching(/^(sessions|recordings|reviews|catalog|audit|channels)$/)],
        security: securityOf(operationId),
      });
      expect(Object.keys(responses)).toEqual(
        expect.arrayContaining(
          PUBLIC.has(operationId) ? ['400', '500', '503'] : ['400', '401', '403', '500', '503'],
        ),
      );
      for (const [status, { content }] of Object.entries(responses)) {
        if (Number(status) >= 400)
          expect(Object.keys(content ?? {})).toEqual(['application/problem+json']);
      }
    }
  });

  test('says where a body may be left out', () => {
    const optional = operations.filter(({ requestBody }) => requestBody && !requestBody.required);
    expect(optional.map(({ operationId }) => operationId).sort()).toEqual([
      'endSession',
      'revokeSession',
      'startSession',
    ]);
  });

  test('gives every problem the status of the catalogue', () => {
    const text = JSON.stringify(document.paths);
    const shown = text.matchAll(
      /"type":"urn:hallpass:problem:([a-z-]+)","title":"[^"]*","status":(\d+)/g,
    );
    const seen = [...shown].map(([, code, status]) => [code, Number(status)]);
    expect(seen.length).toBeGreaterThan(50);
    for (const [code, status] of seen)
      expect(PROBLEMS[code as keyof typeof PROBLEMS].status).toBe(status);
  });
});

describe('every handler', () => {
  const handlers = CONTROLLERS.flatMap((controller) =>
    Object.getOwnPropertyNames(controller.prototype)
      .filter((name) => name !== 'constructor')
      .map((name) => ({
        controller: controller.name,
        name,
        handler: controller.prototype[name] as object,
      }))
      .filter(({ handler }) => Reflect.hasMetadata('path', handler)),
  );

  test('names the permission that it needs', () => {
    // What kubectl speaks is Kubernetes' own API, and described there; pages are for people.
    const described = handlers.filter(
      ({ controller }) => !/^Kube(Session|Cluster)|Pages$/.test(controller),
    );
    expect(described.length).toBe(operations.length + 1);
    const silent = handlers.filter(
      ({ handler }) => Reflect.getMetadata(ACCESS, handler) === undefined,
    );
    expect(silent).toEqual([]);
  });

  test('is for people who are signed in, but for the description of the API, where to sign in and signing in', () => {
    const open = handlers.filter(
      ({ handler }) => Reflect.getMetadata(ACCESS, handler) === 'public',
    );
    expect(open.map(({ controller, name }) => `${controller}.${name}`)).toEqual([
      'SignInController.read',
      'DocsController.openapi',
      'SignInPages.begin',
      'SignInPages.finish',
    ]);
  });

  test('takes a ticket where it opens a connection, and nowhere else', () => {
    const byTicket = handlers.filter(
      ({ handler }) => Reflect.getMetadata(ACCESS, handler) === 'ticket',
    );
    expect(byTicket.map(({ controller, name }) => `${controller}.${name}`)).toEqual([
      'TerminalController.terminal',
      'TerminalController.watch',
    ]);
  });

  test('asks for a permission, but for who the caller is and what kubectl could ask for', () => {
    const any = handlers.filter(
      ({ handler }) => Reflect.getMetadata(ACCESS, handler) === 'signed-in',
    );
    expect(any.map(({ controller, name }) => `${controller}.${name}`)).toEqual([
      'CatalogController.me',
      'SlackLinksController.list',
      'SlackLinksController.tie',
      'SlackLinksController.end',
      // Documents that are the same for everybody, whatever the session or cluster.
      'KubeClusterController.discovery',
      'KubeSessionController.discovery',
    ]);
  });
});

describe('tests', () => {
  /** Operations that no test calls. This list may only become shorter. */
  const UNTESTED: string[] = [];

  test('call every operation of the API', async () => {
    const folder = import.meta.dirname;
    const files = (await readdir(folder)).filter(
      (name) => name.endsWith('.test.ts') && name !== 'openapi.test.ts',
    );
    const texts = await Promise.all(files.map((name) => readFile(`${folder}/${name}`, 'utf8')));
    const called = (id: string) => texts.some((text) => text.includes(`'${id}'`));
    // The stream is read by a client of its own; the name stands in its tests as well.
    const untested = operations.map(({ operationId }) => operationId).filter((id) => !called(id));
    expect(untested).toEqual(UNTESTED);
  });
});

describe('the page at /docs', () => {
  test('is made of files from here alone', async () => {
    const page = await api.call('', { path: '/docs' });
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html']);
    const assets = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path ?? '');
    expect(assets.length).toBeGreaterThan(3);
    for (const asset of assets) {
      const { origin, pathname } = new URL(asset, `${api.url}/docs`);
      expect(origin).toBe(api.url);
      expect((await api.call('', { path: pathname })).status).toBe(200);
    }
  });

  test('may load nothing from elsewhere, run nothing inline, and be framed by nobody', async () => {
    const { headers } = await api.call('', { path: '/docs' });
    const policy = headers.get('content-security-policy') ?? '';
    expect(policy).toContain("script-src 'self';");
    expect(policy).toContain("connect-src 'self';");
    expect(policy).toContain("frame-ancestors 'none'");
    const page = await api.call('', { path: '/docs' });
    expect(page.text).not.toMatch(/<script(?![^>]*src=)[^>]*>|\son\w+=/);
  });

  test('tries the API where it was loaded from', async () => {
    const { text } = await api.call('', { path: '/docs/swagger-ui-init.js' });
    expect(text).toMatch(/"servers":\s*\[\s*\{\s*"url":\s*"\/"/);
  });
});
