import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Session } from '../../src/domain/session/session.js';
import { newSessionId } from '../../src/domain/session/session.js';
import { EvidenceLab } from '../support/evidence.lab.js';
import { HallpassHome } from '../support/hallpass.client.js';
import type { Api } from '../support/http.api.js';
import { startApi } from '../support/http.api.js';
import { signerNamed } from '../support/log.lab.js';

let lab: EvidenceLab;
let api: Api;
let home: HallpassHome;
let session: Session;
beforeAll(async () => {
  lab = await EvidenceLab.start();
  ({ session } = await lab.ended());
  api = await startApi({ deps: { takeEvidence: lab.taking } });
  home = await HallpassHome.make({ HALLPASS_SERVER: api.url, HALLPASS_TOKEN: 'auditor' });
});
afterAll(async () => {
  await home[Symbol.asyncDispose]();
  await api.close();
  await lab[Symbol.asyncDispose]();
});

const evidenceOf = (who: string, id: string) =>
  fetch(`${api.url}/v1/sessions/${id}/evidence`, { headers: { authorization: `Bearer ${who}` } });
const hallpass = async (...args: string[]) => {
  const { code, stdout, stderr } = await home.run(args);
  return { code, out: stdout.toString(), err: stderr };
};
const inHome = (name: string) => join(home.folder, name);

describe('evidence over HTTP', () => {
  test('is an archive for auditors, that is verified by itself', async () => {
    const response = await evidenceOf('auditor', session.id);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/gzip');
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(response.headers.get('content-disposition')).toBe(
      `attachment; filename="hallpass-evidence-${session.id}.tar.gz"`,
    );
    const archive = Buffer.from(await response.arrayBuffer());
    expect(await lab.verify(archive)).toMatchObject({ findings: [], recordings: 1 });
  });

  test.each(['robin', 'alex', 'stranger', 'admin', 'nobody'])(
    'tells %s nothing, not even whether the session is there',
    async (who) => {
      const answers = await Promise.all(
        [session.id, newSessionId(), 'malformed'].map(async (id) => {
          const response = await evidenceOf(who, id);
          const { instance, ...body } = (await response.json()) as Record<string, unknown>;
          expect(instance).toBeDefined();
          return { status: response.status, body };
        }),
      );
      expect(answers[0]?.status).toBe(403);
      for (const other of answers) expect(other).toEqual(answers[0]);
    },
  );

  test('is not there for a session that is not', async () => {
    for (const id of [newSessionId(), 'malformed']) {
      const answer = await api.call('takeEvidence', {
        who: 'auditor',
        path: `/v1/sessions/${id}/evidence`,
      });
      expect(answer.body).toMatchObject({ status: 404, type: 'urn:hallpass:problem:not-found' });
    }
  });

  test('says when to try again where the log is not signed', async () => {
    const other = await startApi();
    try {
      const { body } = await other.ask();
      const path = `/v1/sessions/${body.id}/evidence`;
      const answer = await other.call('takeEvidence', { who: 'auditor', path });
      expect(answer.status).toBe(503);
      expect(answer.headers.get('retry-after')).toBe('2');
      expect(answer.body.type).toBe('urn:hallpass:problem:evidence-not-ready');
    } finally {
      await other.close();
    }
  });
});

describe('hallpass audit evidence', () => {
  test('writes the archive, for its owner alone, and never over another', async () => {
    const file = inHome('evidence.tar.gz');
    const taken = await hallpass('audit', 'evidence', session.id, '--file', file);
    expect(taken).toMatchObject({
      code: 0,
      out: expect.stringContaining(`Took the evidence of session ${session.id} to ${file}`),
      err: expect.stringMatching(/^[\d.]+ (?:bytes|kB) …\n$/),
    });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const before = await readFile(file);
    const again = await hallpass('audit', 'evidence', session.id, '--file', file);
    expect(again).toMatchObject({ code: 2, err: expect.stringContaining('is there already') });
    expect(await readFile(file)).toEqual(before);
    const forced = await hallpass('audit', 'evidence', session.id, '--file', file, '--force');
    expect(forced.code).toBe(0);
    expect(await readFile(file)).not.toEqual(before);
  });

  test('ends as other commands do where there is none', async () => {
    const file = inHome('none.tar.gz');
    const absent = await hallpass('audit', 'evidence', newSessionId(), '--file', file);
    expect(absent).toMatchObject({ code: 2, err: expect.stringContaining('There is no session') });
    await expect(stat(file)).rejects.toThrow();
    await expect(stat(`${file}.part`)).rejects.toThrow();
    const denied = await home.run(['audit', 'evidence', session.id], undefined, {
      HALLPASS_TOKEN: 'robin',
    });
    expect(denied.code).toBe(3);
  });
});

describe('hallpass audit verify', () => {
  const offline = { HALLPASS_SERVER: 'http://127.0.0.1:1' };
  const verify = async (file: string, key = lab.key.verifier.text, ...more: string[]) => {
    const args = ['audit', 'verify', file, '--key', key, ...more];
    const { code, stdout } = await home.run(args, undefined, offline);
    return { code, out: stdout.toString() };
  };

  test('accepts the archive by itself, offline', async () => {
    const file = inHome('whole.tar.gz');
    await writeFile(file, await lab.archive(session));
    const { code, out } = await verify(file);
    expect(out).toContain(`Evidence of session ${session.id}`);
    expect(out).toContain('1 recording is the one that was stored.');
    expect(out).toContain('every file is what the log vouches for');
    expect(code).toBe(0);
    const json = await verify(file, lab.key.verifier.text, '-o', 'json');
    expect(JSON.parse(json.out)).toMatchObject({ session: session.id, findings: [] });
  });

  test('names what was changed, and ends with 1', async () => {
    const files = await lab.files(await lab.archive(session));
    const page = files.get('page.html')?.toString() ?? '';
    files.set('page.html', Buffer.from(page.replace('robin', 'mallory')));
    const file = inHome('changed.tar.gz');
    await writeFile(file, await lab.packed(files));
    const { code, out } = await verify(file);
    expect(code).toBe(1);
    expect(out).toContain('THE EVIDENCE IS NOT WHAT WAS SIGNED:\npage.html: is not the file');
  });

  test('believes no key that is in the archive', async () => {
    const file = inHome('other.tar.gz');
    await writeFile(file, await lab.archive(session));
    const { code, out } = await verify(file, signerNamed().verifier.text);
    expect(code).toBe(1);
    expect(out).toContain('checkpoint: is signed by none of the keys that are trusted.');
  });

  test('compares it with a checkpoint that was put by', async () => {
    const file = inHome('new.tar.gz');
    const old = await lab.archive(session);
    const archive = await lab.archive(session);
    await writeFile(file, archive);
    const older = inHome('older');
    const key = lab.key.verifier.text;
    await writeFile(older, (await lab.files(archive)).get('checkpoint') ?? '');
    const same = await verify(file, key, '--older', older);
    expect(same.code).toBe(0);
    expect(same.out).not.toContain('goes on from');
    const later = inHome('later.tar.gz');
    await writeFile(later, await lab.archive(session));
    const since = await verify(later, key, '--older', older);
    expect(since.code).toBe(0);
    expect(since.out).toContain('It is not shown that the log goes on from the older checkpoint');
    await writeFile(file, old);
    const cut = await verify(file, key, '--older', older);
    expect(cut.code).toBe(1);
    expect(cut.out).toContain('the end of the log was cut off, or this is older');
  });
});
