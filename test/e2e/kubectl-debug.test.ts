import '../support/needs.containers.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Kubectl } from '../../sandbox/cluster/kubectl.runner.js';
import { kubectlVersions } from '../../sandbox/cluster/kubectl.runner.js';
import { IMAGE, inTerminal, KubectlWorld } from './kubectl.lab.js';

let world: KubectlWorld;
beforeAll(async () => {
  world = await KubectlWorld.start();
});
afterAll(() => world[Symbol.asyncDispose]());

const debug = (pod: string, profile: string, ...more: string[]) => [
  ...['debug', '-it', pod, '-n', 'staging', `--image=${IMAGE}`, '--target=app'],
  `--env=${[`HALLPASS_REASON=carts are empty`, `HALLPASS_PROFILE=${profile}`, ...more].join(',')}`,
];

/** robin's newest session on a Pod. */
async function sessionOn(pod: string) {
  const { body } = await world.robin.call('GET', '/v1/sessions?limit=100');
  const { items } = body as { items: { id: string; request: { target: { pod?: string } } }[] };
  const found = items.find(({ request }) => request.target.pod === pod);
  if (!found) throw new Error(`no session on ${pod}: ${JSON.stringify(items)}`);
  return world.now(found.id);
}

describe.each(kubectlVersions)('kubectl debug of version %s', (version) => {
  let kubectl: Kubectl;
  beforeAll(async () => {
    kubectl = await world.as('requester', undefined, version);
  });

  test('is a prompt in a governed session, in whose container the timer runs', async () => {
    const pod = await world.pod();
    using terminal = inTerminal(kubectl, debug(pod, 'plain', 'HALLPASS_DURATION=5m'));
    await terminal.sees(/is recorded/);
    await terminal.sees(/[#$] /);
    terminal.type('echo in $((6 * 7)) $(stty size)\r');
    await terminal.sees(/in 42 30 100\r/);
    const session = await sessionOn(pod);
    expect(session).toMatchObject({
      state: 'active',
      request: { reason: 'carts are empty', container: 'app', durationSeconds: 300 },
      container: { name: `hallpass-${session.id}` },
    });
    const containers = world.containersIn(pod);
    expect(containers).toMatchObject([{ name: `hallpass-${session.id}`, image: IMAGE }]);
    // Nothing of the container that kubectl sent reaches the cluster: what ends this one is its main process.
    expect(containers[0]?.env?.map(({ name }) => name)).not.toContain('HALLPASS_REASON');
    expect(containers[0]?.command?.join(' ')).toMatch(
      /^\/bin\/sh -c # Hallpass: holds .* hold \d+ 300 /s,
    );
    terminal.type('exit\r');
    expect(await terminal.ended()).toBe(0);

    // Back in by the name that kubectl made up, over the other replica.
    const name = /debugger-\w+/.exec(terminal.shown)?.[0] ?? '';
    using again = inTerminal(kubectl, ['attach', '-it', pod, '-c', name, '-n', 'staging']);
    await again.sees(/is recorded/);
    again.type('echo again $((6 * 8))\r');
    await again.sees(/again 48\r/);
    await world.robin.act(session.id, 'end');
    await again.sees(/Ended by robin@example.com/);
    expect(await again.ended()).toBe(1);
  });

  test('that needs consent names the session and what waits for it, and gets in once it is there', async () => {
    const pod = await world.pod();
    const args = debug(pod, 'asked');
    const asked = await kubectl.run(args);
    const session = await sessionOn(pod);
    expect(asked.exitCode).toBe(1);
    expect(asked.stderr).toContain(
      `Session ${session.id} waits for one of payments-leads. Wait with \`hallpass sessions wait ${session.id}\``,
    );
    expect(world.containersIn(pod)).toEqual([]);
    const alex = await world.lab.as('approver', world.brokers[1]);
    await alex.decide(session, 'approve');
    using terminal = inTerminal(kubectl, args);
    await terminal.sees(/is recorded/);
    terminal.type('exit 0\r');
    expect(await terminal.ended()).toBe(0);
    expect((await sessionOn(pod)).id).toBe(session.id);
    await world.robin.act(session.id, 'end');
  });

  test('that is denied reads the rule’s own words, and adds nothing', async () => {
    const pod = await world.pod();
    const ran = await kubectl.run(debug(pod, 'plain', 'HALLPASS_DURATION=1h'));
    expect(ran.exitCode).toBe(1);
    expect(ran.stderr).toMatch(/Session \w{16} was denied\. .*"plain" would allow it, but/);
    expect(world.containersIn(pod)).toEqual([]);
    const noWay = await kubectl.run(debug(pod, 'console'));
    expect(noWay).toMatchObject({ exitCode: 1 });
    expect(noWay.stderr).toContain('do not allow kubectl, but console');
    const stranger = await world.as('approver', undefined, version);
    const refused = await stranger.run(debug(pod, 'plain'));
    expect(refused.stderr).toContain('This needs the permission');
  });

  test('asks in no other Pod than there are', async () => {
    const missing = await kubectl.run(debug('no-such-pod', 'plain'));
    expect(missing.stderr).toContain('There is no Pod "no-such-pod"');
  });
});
