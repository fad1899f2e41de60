import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Caller } from '../../src/app/caller.js';
import { isProblem } from '../../src/domain/problem.js';
import type { Session } from '../../src/domain/session/session.js';
import {
  ARCHIVE_FILES,
  castFile,
  chunkFile,
  headerFile,
  readArchiveName,
} from '../../src/domain/evidence/archive.names.js';
import { forged } from '../support/evidence.forger.js';
import { AUDITING, EvidenceLab, partsOf, wholeOf } from '../support/evidence.lab.js';
import { signerNamed } from '../support/log.lab.js';
import { ROBIN, actorOf } from '../support/sessions.js';

let lab: EvidenceLab;
let session: Session;
let recording: string;
let archive: Buffer;
let files: Map<string, Buffer>;
beforeAll(async () => {
  lab = await EvidenceLab.start();
  ({ session, recording } = await lab.ended({ reason: '<script>alert("1")</script> & more' }));
  archive = await lab.archive(session);
  files = await lab.files(archive);
});
afterAll(() => lab[Symbol.asyncDispose]());

const text = (name: string) => files.get(name)?.toString() ?? '';
const named = (action: string) =>
  [...files].find(([, body]) => body.toString().includes(`"action":"${action}"`))?.[0] ?? '';

/** What is found first, in an archive with these files changed. */
async function firstWrong(changed: ReadonlyMap<string, Buffer>) {
  return (await lab.verify(await lab.packed(changed))).findings[0];
}
const without = (...names: string[]) =>
  new Map([...files].filter(([name]) => !names.includes(name)));
const having = (name: string, bytes: Buffer | string) =>
  new Map(files).set(name, Buffer.from(bytes));

describe('the evidence of a session', () => {
  test('is verified by itself: nothing is wrong with it', async () => {
    expect(await lab.verify(archive)).toMatchObject({
      findings: [],
      notes: [],
      session: session.id,
      recordings: 1,
      dropped: 0,
      // ask, approve, start, run, started, finished, stop, the reading of the recording, the taking
      events: 9,
    });
  });

  test('has the container that was sent, as it was written before, and what the cluster said of it', () => {
    const [container] = JSON.parse(text(ARCHIVE_FILES.containers)) as [Record<string, unknown>];
    expect(container).toMatchObject({
      name: `hallpass-${session.id}`,
      spec: { name: `hallpass-${session.id}`, stdin: true, tty: false },
      status: [
        { action: 'session.run', facts: { seen: 'running', imageId: 'sha256:abc' } },
        { action: 'session.stop', facts: { seen: 'terminated', exitCode: 137 } },
      ],
    });
  });

  test('has what was shown for players, which is what the chunks hold', () => {
    const cast = text(castFile(recording));
    const chunks = [...files].filter(([name]) => readArchiveName(name)?.kind === 'chunk');
    const header = text(headerFile(recording));
    expect(cast).toBe(header + chunks.map(([, bytes]) => gunzipSync(bytes).toString()).join(''));
    expect(cast).toContain('hello');
  });

  test('has all its proofs under the one checkpoint', () => {
    const proofs = [...files].filter(([name]) => readArchiveName(name)?.kind === 'proof');
    expect(proofs).toHaveLength(9);
    for (const [, proof] of proofs) {
      expect(proof.toString().endsWith(text(ARCHIVE_FILES.checkpoint))).toBe(true);
    }
  });

  test('is in the log by the digest of its list of files, and each recording in it was read', async () => {
    const bodies = [...files].map(([, body]) => body.toString());
    expect(bodies.some((it) => it.includes('"action":"session.evidence"'))).toBe(true);
    const read = bodies.find((it) => it.includes('"action":"recording.read"')) ?? '';
    expect(JSON.parse(read)).toMatchObject({
      actor: { sub: 'audit' },
      data: { recording, form: 'evidence' },
    });
  });

  test('is taken while the session goes on, and says so', async () => {
    const running = await lab.active();
    await lab.recorded(running, 'so far');
    const taken = await lab.archive(running);
    const found = await lab.verify(taken);
    expect(found).toMatchObject({ findings: [], recordings: 1 });
    expect(found.notes).toEqual(['The session was not over: it was active.']);
    const page = (await lab.files(taken)).get(ARCHIVE_FILES.page)?.toString();
    expect(page).toContain('This session was not over');
  });

  test('says that a recording was dropped, and has its digest', async () => {
    const { session: old, recording: id } = await lab.ended();
    await lab.lab.age(id as never, 100_000_000);
    await lab.lab.keeper().once();
    const found = await lab.verify(await lab.archive(old));
    expect(found).toMatchObject({ findings: [], recordings: 0 });
    expect(found.notes).toEqual([`The recording ${id} is not in it (dropped).`]);
  });

  test('leaves out what is broken, and is no good evidence then', async () => {
    const { session: other, recording: id } = await lab.ended();
    await lab.lab.asAdmin(`ALTER TABLE recording_bodies DISABLE TRIGGER ALL`);
    await lab.lab.asAdmin(`UPDATE recording_bodies SET bytes = $2 WHERE recording_id = $1`, [
      id,
      gzipSync('[0,"o","nothing"]\n'),
    ]);
    const found = await lab.verify(await lab.archive(other));
    expect(found.findings).toEqual([
      { file: castFile(id), what: expect.stringContaining('not what its digests say') },
    ]);
  });

  test('is as not there for who may not see the session', async () => {
    const stranger = { actor: actorOf({ ...ROBIN, sub: 'x', groups: [] }), roles: [] };
    const refused = await lab.taking.take(stranger, session.id);
    expect(refused).toMatchObject({ problem: 'not-found' });
  });

  test('leaves recordings out for who may see the session and not what was shown', async () => {
    const actor = actorOf({ ...ROBIN, sub: 'adm', groups: ['admins'] });
    const admin: Caller = { actor, roles: ['admin'] };
    const taken = await lab.taking.take(admin, session.id);
    if (isProblem(taken)) throw new Error(taken.detail);
    const given = await wholeOf(taken.bytes);
    const found = await lab.verify(given);
    expect(found.findings).toEqual([]);
    expect(found.notes).toEqual([`The recording ${recording} is not in it (not-allowed).`]);
    expect([...(await lab.files(given)).keys()].some((it) => it.startsWith('recordings/'))).toBe(
      false,
    );
  });
});

describe('whoever changes an archive', () => {
  test('is found out, whichever file it is, by one character', async () => {
    for (const [name, bytes] of files) {
      const changed = Buffer.from(bytes);
      const at = Math.floor(changed.length / 2);
      changed[at] = (changed[at] ?? 0) ^ 1;
      const found = await lab.verify(await lab.packed(having(name, changed)));
      expect(
        found.findings.map(({ file }) => file),
        name,
      ).toContain(name);
    }
  });

  test('is found out, whichever file is taken out', async () => {
    for (const name of files.keys()) {
      const found = await lab.verify(await lab.packed(without(name)));
      expect(
        found.findings.map(({ file }) => file),
        name,
      ).toContain(name);
    }
  });

  test.each([
    ['a file more', 'notes.txt', 'is no file of an archive of evidence'],
    ['a path that leads out', '../../etc/passwd', 'is no file of an archive of evidence'],
    ['a policy more', `policies/${'0'.repeat(64)}.json`, 'the log does not vouch for it'],
    ['a cast more', `recordings/${'0'.repeat(16)}.cast`, 'the log does not vouch for it'],
    ['a hidden event', 'events/000000000099999.json', 'is missing: nothing shows'],
  ])('is found out by %s', async (_, name, what) => {
    const found = await lab.verify(await lab.packed(having(name, 'x')));
    const about = found.findings.filter(({ file }) => file?.startsWith(name.slice(0, 22)));
    expect(about.map((it) => it.what).join()).toContain(what);
  });

  test('is found out by a file that is there twice, a link, and a folder', async () => {
    const twice = [...files, [ARCHIVE_FILES.page, Buffer.from('other')] as const];
    expect((await lab.verify(await lab.packed(twice))).findings).toContainEqual({
      file: ARCHIVE_FILES.page,
      what: 'is in the archive more than once',
    });
    for (const type of ['symlink', 'link', 'directory', 'character-device'] as const) {
      const tar = pack();
      const whole = wholeOf(tar as AsyncIterable<Uint8Array>);
      tar.entry({ name: 'page.html', type, linkname: '/etc/passwd' });
      tar.finalize();
      const found = await lab.verify(gzipSync(await whole));
      expect(found.findings[0]).toMatchObject({ what: expect.stringContaining('no plain file') });
    }
  });

  test('is found out where it is cut off, goes on after its end, or is none', async () => {
    const first = async (bytes: Buffer) => (await lab.verify(bytes)).findings[0]?.what;
    expect(await first(archive.subarray(0, archive.length - 40))).toContain('cannot be read');
    expect(await first(archive.subarray(0, 1_000))).toContain('cannot be read');
    expect(await first(Buffer.concat([archive, Buffer.alloc(600)]))).toContain('after its end');
    expect(await first(Buffer.concat([archive, Buffer.from('more')]))).toMatch(
      /after its end|read/,
    );
    expect(await first(Buffer.from('none'))).toContain('cannot be read');
    expect(await first(Buffer.alloc(0))).toBeDefined();
  });

  test('fills no memory: a bomb is refused', async () => {
    const bomb = async (name: string, size: number) => {
      const tar = pack();
      const whole = wholeOf(tar as AsyncIterable<Uint8Array>);
      const entry = tar.entry({ name, size });
      entry.end(Buffer.alloc(size));
      tar.finalize();
      return gzipSync(await whole);
    };
    const found = await lab.verify(await bomb('page.html', 65 * 1024 * 1024));
    expect(found.findings[0]?.what).toContain('too large');
    const header = gzipSync(Buffer.alloc(80 * 1024 * 1024));
    const chunk = { header: headerFile(recording), chunk: chunkFile(recording, 1) };
    const unpacking = new Map([
      [chunk.header, Buffer.from('{}\n')],
      [chunk.chunk, header],
    ]);
    expect((await firstWrong(unpacking))?.what).toContain('too large');
  });

  test('has not the key', async () => {
    const mallory = forged(files, signerNamed());
    expect(await firstWrong(mallory)).toEqual({
      file: ARCHIVE_FILES.checkpoint,
      what: 'is signed by none of the keys that are trusted',
    });
  });
});

describe('a broker that lies, and has the key,', () => {
  const lies = (name: string, from: string, to: string) => {
    expect(text(name)).toContain(from);
    return forged(having(name, text(name).replace(from, to)), lab.key);
  };

  test('is found out by nothing where it does not', async () => {
    expect(await firstWrong(forged(files, lab.key))).toBeUndefined();
  });

  test.each([
    ['another requester', '"sub": "robin"', '"sub": "mallory"', 'the requester is "mallory"'],
    ['another reason', '& more', '& less', 'the reason is'],
    ['another ticket', 'INC-1', 'INC-2', 'the ticket is "INC-2"'],
    ['another end', '"left"', '"deadline"', 'the reason of the end is "deadline"'],
    ['another word', 'go <i>ahead</i>', 'never', 'they said with it "never"'],
    ['another approver', '"sub": "alex"', '"sub": "sam"', 'it was said by "sam"'],
    ['another verdict', '"verdict": "approve"', '"verdict": "deny"', 'it is one of "deny"'],
    ['a session that goes on', '"isOver": true', '"isOver": false', 'it is over false'],
    ['another Pod', '"uid": "', '"uid": "x', 'the uid of the Pod is'],
  ])('in session.json with %s is found out', async (_, from, to, what) => {
    const found = await firstWrong(lies(ARCHIVE_FILES.session, from, to));
    expect(found).toMatchObject({ file: ARCHIVE_FILES.session });
    expect(found?.what).toContain(what);
  });

  test('leaves out a step, and the path of the session has a hole', async () => {
    const approved = named('session.approve');
    const found = await firstWrong(forged(without(approved), lab.key));
    expect(found?.file).toBe(named('session.start'));
    expect(found?.what).toContain('the one before it was step 1 to pending');
  });

  test('leaves out the last steps', async () => {
    const found = await firstWrong(forged(without(named('session.stop')), lab.key));
    expect(found).toMatchObject({ what: expect.stringMatching(/^does not say|^says that/) });
  });

  test('hides a decision', async () => {
    const record = JSON.parse(text(ARCHIVE_FILES.session)) as { decisions: unknown[] };
    record.decisions.pop();
    const hidden = having(ARCHIVE_FILES.session, JSON.stringify(record));
    expect((await firstWrong(forged(hidden, lab.key)))?.what).toContain('leaves out the decision');
  });

  test('hides a recording', async () => {
    const record = JSON.parse(text(ARCHIVE_FILES.session)) as { recordings: unknown[] };
    record.recordings.pop();
    const hidden = having(ARCHIVE_FILES.session, JSON.stringify(record));
    const found = await firstWrong(forged(hidden, lab.key));
    expect(found?.what).toBe(`leaves out the recording ${recording}`);
  });

  test('gives another recording, whose own digests are right', async () => {
    const other = having(chunkFile(recording, 1), gzipSync('[0,"o","nothing"]\n'));
    const found = await firstWrong(forged(other, lab.key));
    expect(found).toMatchObject({ file: castFile(recording) });
  });

  test('gives another policy text', async () => {
    const [name = ''] = [...files.keys()].filter((it) => it.startsWith('policies/'));
    const found = await firstWrong(lies(name, 'whoever', 'nobody'));
    expect(found).toMatchObject({ file: name });
  });

  test('says that another container was sent', async () => {
    const found = await firstWrong(lies(ARCHIVE_FILES.containers, '/bin/sh', '/bin/false'));
    expect(found).toMatchObject({ file: ARCHIVE_FILES.containers });
  });

  test('writes an event that is no canonical JSON', async () => {
    const name = named('session.run');
    const found = await firstWrong(lies(name, ',', ', '));
    expect(found).toEqual({ file: name, what: 'is not in canonical form (RFC 8785)' });
  });
});

test('nothing is taken while events wait for their place for too long', async () => {
  const { session: other } = await lab.ended();
  const slow = await EvidenceLab.start();
  try {
    await slow.sequencer.stop();
    const waiting = await slow.active();
    expect(await slow.taking.take(AUDITING, waiting.id)).toMatchObject({
      problem: 'evidence-not-ready',
      retryAfterSeconds: 2,
    });
  } finally {
    await slow[Symbol.asyncDispose]();
  }
  // And the other lab's log goes on.
  expect((await lab.verify(await lab.archive(other))).findings).toEqual([]);
});

test('is checked by hand with tar and sha256sum, as its document says', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'hallpass-evidence-'));
  try {
    const file = join(folder, 'evidence.tar.gz');
    await writeFile(file, archive);
    const shell = (script: string) =>
      execFileSync('sh', ['-c', script], { cwd: folder, encoding: 'utf8' }).trim();
    const bash = (script: string) =>
      execFileSync('bash', ['-c', script], { cwd: folder, encoding: 'utf8' }).trim();
    shell('tar -xzf evidence.tar.gz && sha256sum -c --quiet SHA256SUMS');
    const sums = shell('sha256sum < SHA256SUMS | cut -c1-64');
    expect(shell('ls events/*.json | tail -1 | xargs cat')).toContain(`"sums":"${sums}"`);
    const digest = bash(`
      d=$(sha256sum < recordings/${recording}/header | cut -c1-64)
      for c in recordings/${recording}/*.gz; do
        d=$({ printf %b "$(printf %s "$d" | sed 's/../\\\\x&/g')"; cat "$c"; } | sha256sum | cut -c1-64)
      done; echo "$d"`);
    expect(text(named('recording.finished'))).toContain(digest);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('archives are what tar reads and writes', async () => {
  const names: string[] = [];
  for await (const { name, parts } of lab.archives.unpack(partsOf(archive))) {
    names.push(name);
    for await (const part of parts) expect(part.length).toBeGreaterThan(0);
  }
  expect(names.slice(0, 7)).toEqual([
    'README.txt',
    'page.html',
    'session.json',
    'containers.json',
    'keys.txt',
    'checkpoint',
    'SHA256SUMS',
  ]);
});

test('an archive that nobody reads to its end is put away', async () => {
  const taken = await lab.taking.take(AUDITING, session.id);
  if (isProblem(taken)) throw new Error(taken.detail);
  for await (const part of taken.bytes) {
    expect(part.length).toBeGreaterThan(0);
    break;
  }
});

test('an event whose text was dropped is there by its hash and its proof', async () => {
  const { session: old } = await lab.ended();
  await lab.lab.asAdmin('ALTER TABLE audit_events DISABLE TRIGGER ALL');
  for (const rule of ['audit_events_leaf_is_of_body', 'audit_events_body_fits']) {
    await lab.lab.asAdmin(`ALTER TABLE audit_events DROP CONSTRAINT ${rule}`);
  }
  await lab.lab.asAdmin(
    `UPDATE audit_events SET body = '' WHERE session_id = $1 AND action = 'session.approve'`,
    [old.id],
  );
  await lab.lab.asAdmin('ALTER TABLE audit_events ENABLE TRIGGER ALL');
  const whole = await lab.archive(old);
  expect(await lab.verify(whole)).toMatchObject({ findings: [], dropped: 1, events: 8 });
  const without = await lab.files(whole);
  const [gone = ''] = [...without.keys()].filter((name) => name.endsWith('.dropped'));
  without.set(gone, Buffer.from(`${'0'.repeat(64)}\n`));
  expect((await firstWrong(without))?.file).toBe(gone);
});
