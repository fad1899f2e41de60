import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../../sandbox/free.port.js';
import { policyOf, setOf } from '../support/policies.js';
import { problem } from '../../src/domain/problem.js';
import { SilentTunnel } from '../support/in-memory.kubectl.js';
import { KubectlApi } from '../support/kubectl.lab.js';

// The newest kubectl there is, against the API in memory: commands run on this machine instead of in containers.
let lab: KubectlApi;
beforeAll(async () => {
  lab = await KubectlApi.start(
    setOf([
      policyOf('staging', { match: { namespaces: ['staging'] } }),
      policyOf('no-copies', {
        match: { namespaces: ['no-copies'] },
        terms: { fileCopies: 'none' },
      }),
      policyOf('ports', { match: { namespaces: ['ports'] }, terms: { portForward: true } }),
    ]),
  );
});
afterAll(() => lab[Symbol.asyncDispose]());

describe('kubectl in a session', () => {
  test('prints the Pod', async () => {
    const { id, pod } = await lab.running();
    const kubectl = await lab.inSession(id);
    const { stdout, stderr, exitCode } = await kubectl.run(['get', 'pods']);
    expect([exitCode, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(new RegExp(`^${pod} +1/1 +Running`, 'm'));
  });

  test('runs a command without -c in the session’s container, with its output, its errors and its exit code', async () => {
    const { id, pod } = await lab.running();
    const kubectl = await lab.inSession(id);
    const ran = await kubectl.run([
      'exec',
      pod,
      '--',
      'sh',
      '-c',
      'echo out; echo err >&2; exit 7',
    ]);
    expect(ran).toEqual({
      exitCode: 7,
      stdout: 'out\n',
      stderr: 'err\ncommand terminated with exit code 7\n',
    });
  });

  test('passes standard input through to its end', async () => {
    const { id, pod } = await lab.running();
    const kubectl = await lab.inSession(id);
    const stdin = 'the quick brown fox\n'.repeat(50_000);
    const ran = await kubectl.run(['exec', '-i', pod, '--', 'cat'], { stdin });
    expect(ran.exitCode).toBe(0);
    expect(ran.stdout.length).toBe(stdin.length);
    expect(ran.stdout === stdin).toBe(true);
  });

  test('is refused another container, and reads why', async () => {
    const { id, pod } = await lab.running();
    const kubectl = await lab.inSession(id);
    const ran = await kubectl.run(['exec', pod, '-c', 'app', '--', 'true']);
    expect(ran.exitCode).not.toBe(0);
    expect(ran.stderr).toContain(`lets you into its own container "hallpass-${id}"`);
  });

  test('reads what refused the entry, and nothing of SPDY', async () => {
    const { id, pod } = await lab.running();
    const kubectl = await lab.inSession(id);
    const { enter } = lab.api.kubectl;
    enter.refusal = problem('too-many-streams', 'Five streams are open: close one.');
    const ran = await kubectl.run(['exec', pod, '--', 'true']);
    enter.refusal = undefined;
    expect(ran.exitCode).not.toBe(0);
    expect(ran.stderr).toContain('Five streams are open: close one.');
    expect(ran.stderr).not.toContain('SPDY');
  });

  test('reads logs of the Pod’s own container', async () => {
    const { id, pod } = await lab.running();
    const kubectl = await lab.inSession(id);
    expect(await kubectl.run(['logs', pod, '-c', 'app', '--tail=5'])).toMatchObject({
      exitCode: 0,
      stdout: 'tick 1\ntick 2\n',
    });
  });

  test('copies files both ways, byte for byte', async () => {
    const { id, pod } = await lab.running();
    const kubectl = await lab.inSession(id);
    const folder = await mkdtemp(join(tmpdir(), 'hallpass-cp-'));
    try {
      const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, at) => (at * 31) % 256));
      await writeFile(join(folder, 'sent'), bytes);
      const there = join(folder, 'there');
      const back = join(folder, 'back');
      const up = await kubectl.run(['cp', join(folder, 'sent'), `${pod}:${there}`]);
      expect(up).toMatchObject({ exitCode: 0 });
      const down = await kubectl.run(['cp', `${pod}:${there}`, back]);
      expect(down).toMatchObject({ exitCode: 0 });
      const digest = (data: Buffer) => createHash('sha256').update(data).digest('hex');
      expect(digest(await readFile(back))).toBe(digest(bytes));
      const kinds = lab.api.kubectl.enter.entries.filter((it) => it.session === id);
      expect(kinds.map(({ kind, copy }) => [kind, copy])).toEqual([
        ['exec', undefined],
        ['copy', 'upload'],
        ['copy', 'download'],
      ]);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  test('copies nothing where terms forbid it, and says so', async () => {
    const { id, pod } = await lab.running('no-copies');
    const kubectl = await lab.inSession(id);
    const ran = await kubectl.run(['cp', `${pod}:/etc/hostname`, '/dev/null']);
    expect(ran.stderr).toContain('do not allow copying files out of the container');
  });

  test('reads in a sentence why it may not do anything else', async () => {
    const { id, pod } = await lab.running();
    const kubectl = await lab.inSession(id);
    const ran = await kubectl.run(['delete', 'pod', pod, '--wait=false']);
    expect(ran.exitCode).not.toBe(0);
    expect(ran.stderr).toContain(`is a door to Pod "${pod}"`);
    const forward = await kubectl.run(['port-forward', pod, '0:80']);
    expect(forward.stderr).toContain('do not allow forwarding ports');
  });

  test('forwards ports, and which ones is in the audit log before a byte goes on', async () => {
    const { id, pod } = await lab.running('ports');
    const kubectl = await lab.inSession(id);
    const tunnels: SilentTunnel[] = [];
    lab.api.kubectl.pods.tunnel = (headers) => {
      const tunnel = new SilentTunnel(headers);
      tunnels.push(tunnel);
      return tunnel;
    };
    const local = await freePort(0);
    const run = kubectl.run(['port-forward', pod, `${local}:8080`]);
    await expect.poll(() => tunnels.length).toBe(1);
    const reached = () =>
      lab.api.store.log.read({ sessionId: id, action: 'session.port-forward', limit: 10 });
    await expect
      .poll(async () => {
        connect(local, '127.0.0.1').on('error', () => undefined);
        return (await reached()).length;
      })
      .toBeGreaterThan(0);
    expect((await reached())[0]?.body).toMatchObject({ outcome: 'success', data: { port: 8080 } });
    // The session ends, and the tunnel with it.
    await lab.api.step(id, 'stop', { endDetail: 'Its time was up.' });
    await run;
    await expect
      .poll(() => lab.api.kubectl.recorder.recordings.at(-1))
      .toMatchObject({
        opened: { kind: 'forward' },
        marks: ['port 8080'],
        end: { why: 'Its time was up.' },
      });
  });

  test('is out when the session is over, and reads why', async () => {
    const { id, pod } = await lab.running();
    const kubectl = await lab.inSession(id);
    expect((await kubectl.run(['exec', pod, '--', 'true'])).exitCode).toBe(0);
    await lab.api.step(id, 'stop', { endDetail: 'Its time was up.' });
    const ran = await kubectl.run(['exec', pod, '--', 'true']);
    expect(ran.exitCode).not.toBe(0);
    expect(ran.stderr).toContain('has ended: Its time was up. Ask for a new one');
  });
});
