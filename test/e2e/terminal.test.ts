import '../support/needs.containers.js';
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Broker } from '../../src/broker.js';
import type { NewSession } from '../../src/contract/session.schema.js';
import { TicketView } from '../../src/contract/terminal.schema.js';
import { tookMs } from '../support/own.time.js';
import { TerminalClient } from '../support/terminal.client.js';
import type { Profile } from './entering.lab.js';
import { EnteringLab } from './entering.lab.js';

/** Terminals over WebSocket, through a whole broker, into processes of the stand-in cluster. */
let lab: EnteringLab;
let broker: Broker;
beforeAll(async () => {
  lab = await EnteringLab.start();
  broker = await lab.broker();
});
afterAll(() => lab[Symbol.asyncDispose]());

async function connect(query: string, ...more: [Profile?, Partial<NewSession>?]) {
  const { robin, id } = await lab.active(broker, ...more);
  const answer = await robin.call('POST', `/v1/sessions/${id}/tickets`, {
    body: { kind: 'terminal' },
  });
  const { ticket } = TicketView.parse(answer.body);
  const { port } = new URL(broker.url);
  const client = TerminalClient.connect(Number(port), { id, ticket, query });
  await client.said('open');
  return { robin, id, client };
}

const command = (script: string) =>
  `?${['/bin/sh', '-c', script].map((part) => `command=${encodeURIComponent(part)}`).join('&')}`;

describe('a terminal of a real broker', () => {
  it('passes megabytes in and out byte for byte, and the exit code', async () => {
    const { client } = await connect(command('cat; echo done >&2; exit 7'));
    const data = randomBytes(3_000_000);
    for (let at = 0; at < data.length; at += 32_768) client.type(data.subarray(at, at + 32_768));
    client.socket.send(Buffer.of(255, 0));
    expect(await client.closed()).toBe(1000);
    expect(client.bytes().equals(data)).toBe(true);
    expect(client.bytes(2).toString()).toBe('done\n');
    expect(client.texts.at(-1)).toEqual({ type: 'end', kind: 'exited', code: 7 });
  });

  it('is closed in less than a second once its session is ended', async () => {
    const { robin, id, client } = await connect('?columns=90&rows=30');
    client.type('echo $((40 + 2)) $(stty size)\n');
    await vi.waitFor(() => expect(client.bytes().toString()).toContain('42 30 90'), 15_000);
    expect(client.texts.map((it) => it['kind'])).toContain('begin');
    await robin.act(id, 'end');
    expect(await tookMs(() => client.said('end'))).toBeLessThan(1_000);
    expect(client.texts.at(-1)).toMatchObject({ kind: 'session-over', reason: 'left' });
    expect(await client.closed()).toBe(1000);
  });

  it('goes over to the container of an extension, says so, and works there until the new deadline', async () => {
    const { robin, id, client } = await connect('', 'extended', { durationSeconds: 10 });
    const sees = (pattern: RegExp) =>
      vi.waitFor(
        () => {
          const found = pattern.exec(client.bytes().toString());
          if (!found) throw new Error(`not seen: ${pattern} in ${client.bytes().toString()}`);
          return found;
        },
        { timeout: 10_000, interval: 10 },
      );
    const place = (word: string) => `echo ${word}: [$mine] $(readlink /proc/self/ns/mnt)\n`;
    client.type('mine=secret\n');
    client.type(place('first'));
    const [, former] = await sees(/first: \[secret\] (mnt:\S+)/);
    const { deadline: before } = await robin.session(id);

    await robin.act(id, 'extend', { durationSeconds: 14 });
    await vi.waitFor(() => expect(client.texts.map((it) => it['kind'])).toContain('moved'), {
      timeout: 10_000,
    });
    expect(client.texts.find((it) => it['kind'] === 'moved')?.['text']).toContain('new container');
    client.type(place('second'));
    // Another shell, in another container; and so it is on the one record of this terminal.
    const [, present] = await sees(/second: \[\] (mnt:\S+)/);
    expect(present).not.toBe(former);
    const { latest } = lab.recorder;
    expect(latest.shown.startsWith(client.bytes().toString())).toBe(true);
    expect(latest.marks).toContainEqual(expect.stringContaining('new container'));

    const { deadline: after } = await robin.session(id);
    const [was, is] = [Date.parse(before ?? ''), Date.parse(after ?? '')];
    expect(is).toBeGreaterThan(was + 3_000);
    await vi.waitUntil(() => Date.now() > was + 500, { timeout: 20_000, interval: 50 });
    client.type('echo still-$((40 + 2))\n');
    await sees(/still-42/);

    await vi.waitUntil(() => client.code !== undefined, { timeout: 20_000, interval: 10 });
    const endedAt = Date.now();
    expect([client.code, client.texts.at(-1)]).toEqual([
      1000,
      expect.objectContaining({ kind: 'session-over', reason: 'deadline' }),
    ]);
    expect(Math.abs(endedAt - is)).toBeLessThan(2_500);
    await robin.until(id, ['ended']);
  }, 60_000);
});
