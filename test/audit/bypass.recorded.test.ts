import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { SeenCall } from '../../src/app/ports/bypass.store.js';
import { DetectBypass } from '../../src/app/detect-bypass.js';
import { ACCOUNT, auditEntryOf, recordedRequests } from '../support/audit.entries.js';
import type { Attributes, AuditPolicy } from '../support/audit.policy.js';
import { loggedOf, readPolicy } from '../support/audit.policy.js';
import { MemoryJournal } from '../support/in-memory.ports.js';

type Asked = ReturnType<typeof recordedRequests>[number];
const POLICY = readPolicy('deploy/audit-policy.yaml');
/** The only container of the recorded Pods that is not an ephemeral one. */
const REGULAR = 'app';

/** The detector where every ephemeral container was seen to be added, and what it wrote. */
function detector() {
  const written = new Map<string, SeenCall>();
  const detect = new DetectBypass({
    store: { find: () => Promise.resolve(undefined) },
    bypasses: {
      write: (seen) => {
        const isNew = !written.has(seen.key);
        if (isNew) written.set(seen.key, seen);
        return Promise.resolve(isNew);
      },
      isAdded: (_, containers) => Promise.resolve(containers.some((it) => it !== REGULAR)),
      keepEarly: () => Promise.resolve(),
      early: () => Promise.resolve([]),
      position: () => Promise.resolve(0),
      moveTo: () => Promise.resolve(),
    },
    clock: { now: () => new Date() },
    journal: new MemoryJournal(),
    replica: 'test',
  });
  return { detect, written };
}

/** What the API server would have logged without a policy: each stage of the call. */
function stagesOf(asked: Asked): Record<string, unknown>[] {
  const entry = auditEntryOf(asked);
  const { responseStatus: _, ...before } = entry;
  const isLong = asked.status === 101 || asked.path.includes('watch=true');
  return [
    { ...before, stage: 'RequestReceived' },
    ...(isLong ? [{ ...entry, stage: 'ResponseStarted' }] : []),
    { ...entry, stage: 'ResponseComplete' },
  ];
}

const PATHS =
  /^\/(?:api|apis\/([^/]+))\/v1(?:\/namespaces\/[^/?]+)?\/([^/?]+)(?:\/[^/?]+(?:\/([^/?]+))?)?/;

function attributesOf({ path }: Asked, entry: Record<string, unknown>): Attributes {
  const [, group = '', resource, subresource] = PATHS.exec(path) ?? [];
  return {
    verb: String(entry['verb']),
    user: 'mallory',
    resource:
      resource === undefined
        ? null
        : { group, name: subresource ? `${resource}/${subresource}` : resource },
  };
}

async function runOver(policy: AuditPolicy) {
  const { detect, written } = detector();
  const rows = [];
  for (const asked of recordedRequests()) {
    const stages = stagesOf(asked);
    const attributes = attributesOf(asked, stages[0] ?? {});
    const logged = loggedOf(policy, attributes, stages);
    const before = written.size;
    const taken = await detect.take({ name: 'lab', account: ACCOUNT }, logged);
    expect(taken.unreadable).toBe(0);
    rows.push({ asked, attributes, logged: logged.length, found: written.size - before });
  }
  return { rows, written };
}

/** Whether a call did what is to be found: told by the recording alone. */
function isToBeFound({ path, status, method }: Asked): boolean {
  if (status >= 400 || path.includes('dryRun=All')) return false;
  if (/\/pods\/[^/]+\/ephemeralcontainers/.test(path)) return /^(PATCH|PUT)/.test(method);
  return /\/pods\/[^/]+\/(exec|attach)\?/.test(path) && !path.includes(`container=${REGULAR}&`);
}

test('of all that was recorded, exactly what added or entered an ephemeral container is found, each once', async () => {
  const { rows, written } = await runOver(POLICY);
  expect(rows.length).toBeGreaterThan(150);
  for (const { asked, found } of rows)
    expect([asked.file, asked.path, found]).toEqual([
      asked.file,
      asked.path,
      isToBeFound(asked) ? 1 : 0,
    ]);
  const kinds = [...written.values()].map(({ entry }) => entry.action);
  expect(new Set(kinds)).toEqual(new Set(['bypass.found']));
});

test('the policy that is shipped logs what the detector needs and nothing else', async () => {
  const everything = await runOver({
    ...POLICY,
    rules: [{ level: 'RequestResponse' }],
  });
  const shipped = await runOver(POLICY);
  // Nothing is found by logging more, names of containers included.
  const facts = ({ written }: typeof shipped) =>
    [...written.values()].map(({ place, added, news }) => {
      const {
        auditId: _,
        receivedAt: __,
        ...rest
      } = (news?.['bypass'] ?? {}) as Record<string, unknown>;
      return { place, added, rest };
    });
  expect(facts(shipped)).toEqual(facts(everything));
  const needed = ['pods/ephemeralcontainers', 'pods/exec', 'pods/attach'];
  for (const { asked, attributes, logged } of shipped.rows) {
    const isNeeded = needed.includes(attributes.resource?.name ?? '');
    expect([asked.path, logged > 0]).toEqual([asked.path, isNeeded]);
    expect(logged).toBeLessThanOrEqual(2);
  }
});

test('the policy that is shipped tells a body where names are in it, and nowhere else', () => {
  const level = (verb: string, name: string, group = '') =>
    loggedOf(POLICY, { verb, user: 'mallory', resource: { group, name } }, [
      { stage: 'ResponseComplete', requestObject: {} },
    ]);
  for (const verb of ['patch', 'update'])
    expect(level(verb, 'pods/ephemeralcontainers')).toEqual([
      { stage: 'ResponseComplete', level: 'Request', requestObject: {} },
    ]);
  for (const verb of ['get', 'create'])
    for (const name of ['pods/exec', 'pods/attach'])
      expect(level(verb, name)).toEqual([{ stage: 'ResponseComplete', level: 'Metadata' }]);
  expect(level('get', 'pods/ephemeralcontainers')).toEqual([]);
  expect(level('patch', 'secrets')).toEqual([]);
  expect(level('create', 'pods/exec', 'other.example')).toEqual([]);
});

test('docs/bypass.md says what became of each kind of recorded request', async () => {
  const { rows } = await runOver(POLICY);
  const kinds = new Map<string, { asked: number; logged: number; found: number }>();
  for (const { asked, attributes, logged, found } of rows) {
    const kind = kindOf(asked, attributes);
    const sum = kinds.get(kind) ?? { asked: 0, logged: 0, found: 0 };
    kinds.set(kind, {
      asked: sum.asked + 1,
      logged: sum.logged + (logged > 0 ? 1 : 0),
      found: sum.found + found,
    });
  }
  const table = [...kinds]
    .map(([kind, { asked, logged, found }]) => [kind, asked, logged, found].join(' | '))
    .sort();
  const [, part = ''] = readFileSync('docs/bypass.md', 'utf8').split('<!-- recorded -->');
  const told = part
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .slice(2)
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((it) => it.trim())
        .join(' | '),
    );
  expect(told).toEqual(table);
});

/** One row of the table: what was called how, and how it was answered. */
function kindOf({ method, path, status }: Asked, { resource }: Attributes): string {
  const name = resource?.name ?? '';
  if (!/^pods\/(ephemeralcontainers|exec|attach|portforward|log)$/.test(name))
    return 'anything else | any';
  const how =
    method.startsWith('GET (') || (method === 'GET' && status === 101) ? 'WebSocket' : method;
  const note = path.includes('dryRun=All')
    ? ', dry run'
    : /exec|attach/.test(name) && path.includes(`container=${REGULAR}&`)
      ? ', regular container'
      : '';
  const outcome = status >= 400 ? 'refused' : 'done';
  return `\`${name}\` by ${how}${note} | ${outcome}`;
}
