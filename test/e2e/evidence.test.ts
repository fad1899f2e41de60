import '../support/needs.containers.js';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { Broker } from '../../src/broker.js';
import { decompress } from '../../src/adapters/gzip/gzip.js';
import { TarArchives } from '../../src/adapters/tar/tar.archives.js';
import { verifyEvidence } from '../../src/app/verify-evidence.js';
import { LogKeys } from '../../src/contract/log.schema.js';
import { RecordingList } from '../../src/contract/recording.schema.js';
import { TicketView } from '../../src/contract/terminal.schema.js';
import { readVerifier } from '../../src/domain/audit/signed.note.js';
import { startBrowser } from '../support/browser.js';
import { partsOf, wholeOf } from '../support/evidence.lab.js';
import { TerminalClient } from '../support/terminal.client.js';
import { EnteringLab } from './entering.lab.js';

/** Evidence of what whole brokers did. */
let lab: EnteringLab;
let broker: Broker;
beforeAll(async () => {
  lab = await EnteringLab.start();
  const real = <T>(inner: T): T => inner;
  broker = await lab.broker({ recorder: real, presence: real });
});
afterAll(() => lab[Symbol.asyncDispose]());

/** The archive with its files by name, and what its verification finds. */
async function evidenceOf(id: string) {
  const auditor = await lab.lab.as('auditor', broker);
  const keys = LogKeys.parse((await auditor.call('GET', '/v1/audit/keys')).body).keys;
  const response = await fetch(`${broker.url}/v1/sessions/${id}/evidence`, {
    headers: { authorization: `Bearer ${auditor.bearer}` },
  });
  expect(response.status).toBe(200);
  const archive = Buffer.from(await response.arrayBuffer());
  const archives = new TarArchives();
  const files = new Map<string, string>();
  for await (const { name, parts } of archives.unpack(partsOf(archive))) {
    files.set(name, (await wholeOf(parts)).toString());
  }
  const found = await verifyEvidence({
    archive: archives.unpack(partsOf(archive)),
    verifiers: keys.map(readVerifier).filter((it) => typeof it !== 'string'),
    decompress,
  });
  return { files, found };
}

/** The page as somebody opens it from the folder that they unpacked, in a real browser with scripts switched on. */
async function inBrowser(files: ReadonlyMap<string, string>) {
  const folder = await mkdtemp(join(tmpdir(), 'hallpass-evidence-'));
  const browser = await startBrowser();
  try {
    for (const [name, text] of files) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), text);
    }
    const url = pathToFileURL(join(folder, 'page.html')).href;
    const page = await browser.newPage();
    const asked: string[] = [];
    const complaints: string[] = [];
    page.on('request', (request) => {
      if (request.url() !== url) asked.push(request.url());
    });
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(url);
    const scripts = await page.locator('script').count();
    const links = await page
      .locator('a[href]')
      .evaluateAll((all) => all.map((it) => it.getAttribute('href') ?? ''));
    for (const link of links) {
      const isThere = link.startsWith('#')
        ? (await page.locator(`[id="${link.slice(1)}"]`).count()) === 1
        : files.has(link);
      expect([link, isThere]).toEqual([link, true]);
    }
    const picture = process.env['HALLPASS_PICTURES'];
    if (picture !== undefined)
      await page.screenshot({ path: join(picture, 'evidence.png'), fullPage: true });
    return { asked, complaints, scripts, links: links.filter((it) => it.endsWith('.cast')) };
  } finally {
    await browser.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** The containers that the cluster was given, by name. What is false is as good as not there to an API server. */
function sentTo(pod: string): object[] {
  const sent = lab.cluster.pod('staging', pod)?.spec.ephemeralContainers ?? [];
  return sent
    .map((it) => ({ stdinOnce: false, tty: false, ...it }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

test('a session that was consented to, used and ended is told in full, and proves itself', async () => {
  const { robin, asked, id, pod } = await lab.ask(broker, 'asked', { ticket: 'INC-4711' });
  const alex = await lab.lab.as('approver', broker);
  await alex.decide(asked, 'approve', 'go ahead');
  await robin.until(id, ['active']);
  const { ticket } = TicketView.parse(
    (await robin.call('POST', `/v1/sessions/${id}/tickets`, { body: { kind: 'terminal' } })).body,
  );
  const port = Number(new URL(broker.url).port);
  const terminal = TerminalClient.connect(port, { id, ticket, kind: 'terminal', query: '' });
  await terminal.said('open');
  terminal.type('echo zebra-$((40 + 2))\nexit 3\n');
  await terminal.said('end');
  const isRecorded = async () =>
    RecordingList.parse((await alex.call('GET', `/v1/sessions/${id}/recordings`)).body).items[0]
      ?.state === 'ended';
  await vi.waitUntil(isRecorded, { timeout: 15_000, interval: 50 });
  const running = await evidenceOf(id);
  expect(running.found).toMatchObject({ findings: [], recordings: 1 });
  expect(running.found.notes).toEqual(['The session was not over: it was active.']);

  await robin.act(id, 'end');
  await robin.until(id, ['ended']);
  const { files, found } = await evidenceOf(id);
  expect(found).toMatchObject({ findings: [], notes: [], recordings: 1, session: id });
  const [container] = JSON.parse(files.get('containers.json') ?? '') as [
    { spec: object; status: { action: string; facts: object }[] },
  ];
  expect(sentTo(pod)).toMatchObject([container.spec]);
  expect(container.status).toEqual([
    expect.objectContaining({
      action: 'session.run',
      facts: expect.objectContaining({ seen: 'running', imageId: expect.stringContaining(':') }),
    }),
    expect.objectContaining({
      action: 'session.finish',
      facts: expect.objectContaining({ seen: 'terminated', exitCode: 0 }),
    }),
  ]);
  const page = files.get('page.html') ?? '';
  for (const told of ['INC-4711', 'orders are stuck', 'go ahead', 'They saw version 1']) {
    expect(page).toContain(told);
  }
  const [cast] = [...files].filter(([name]) => name.endsWith('.cast'));
  expect(cast?.[1]).toContain('zebra-42');

  const shown = await inBrowser(files);
  expect(shown).toEqual({
    asked: [],
    complaints: [],
    scripts: 0,
    links: [expect.stringMatching(/\.cast$/)],
  });
});

test('of a session that was extended, the evidence has both containers', async () => {
  const { robin, id, pod } = await lab.active(broker, 'extended');
  await robin.act(id, 'extend', { durationSeconds: 400 });
  for await (const { event } of robin.steps(id, AbortSignal.timeout(20_000))) {
    if (event === 'retire') break;
  }
  await robin.act(id, 'end');
  await robin.until(id, ['ended']);
  const { files, found } = await evidenceOf(id);
  expect(found).toMatchObject({ findings: [], notes: [] });
  const told = JSON.parse(files.get('containers.json') ?? '') as { name: string; spec: object }[];
  expect(told.map(({ name }) => name)).toEqual([`hallpass-${id}`, `hallpass-${id}-2`]);
  expect(sentTo(pod)).toMatchObject(told.map(({ spec }) => spec));
});

test('of a session that policy refused, the evidence has the policy that did', async () => {
  const { id } = await lab.ask(broker, 'asked', { namespace: 'nowhere' });
  const { files, found } = await evidenceOf(id);
  expect(found).toMatchObject({ findings: [], notes: [], recordings: 0 });
  expect([...files.keys()].filter((it) => it.startsWith('policies/'))).toHaveLength(1);
  expect(files.get('containers.json')).toBe('[]\n');
});
