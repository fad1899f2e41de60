import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import type { Kubectl } from '../../sandbox/cluster/kubectl.runner.js';
import type { Session } from '../../src/domain/session/session.js';
import { approvals, policyOf, requirement, setOf } from '../support/policies.js';
import { KubectlApi } from '../support/kubectl.lab.js';
import { PROFILE, ROBIN } from '../support/sessions.js';

const IMAGE = PROFILE.image;

let lab: KubectlApi;
let kubectl: Kubectl;
beforeAll(async () => {
  lab = await KubectlApi.start(
    setOf(
      [
        policyOf('staging', { match: { namespaces: ['staging'] } }),
        policyOf('payments', {
          match: { namespaces: ['payments'] },
          terms: { approvals: approvals(requirement(1, 'payments-leads')) },
        }),
        policyOf('short', { match: { namespaces: ['short'] }, terms: { longestSeconds: 60 } }),
      ],
      [PROFILE, { ...PROFILE, name: 'twin' }, { ...PROFILE, name: 'tools', image: 'tools:2' }],
    ),
  );
  kubectl = await lab.kubectl(await standing('robin'));
});
afterAll(() => lab[Symbol.asyncDispose]());

/** The cluster's kubeconfig with a token in the place of the credential plugin. */
async function standing(who: string): Promise<string> {
  const { text } = await lab.get('/v1/clusters/sandbox/kubeconfig', who);
  const config = parse(text) as { users: { user: object }[] };
  for (const one of config.users) one.user = { token: who };
  return stringify(config);
}

let pods = 0;
const newPod = () => `shop-${(pods += 1)}`;

const debug = (pod: string, ...more: string[]) => {
  const [image = `--image=tools:2`] = more.filter((one) => one.startsWith('--image='));
  const rest = more.filter((one) => !one.startsWith('--image='));
  const namespace = rest.some((one) => one === '-n') ? [] : ['-n', 'staging'];
  return ['debug', '-i', pod, image, '--target=app', ...namespace, ...rest];
};
const REASON = '--env=HALLPASS_REASON=orders are stuck';

async function sessionOn(pod: string): Promise<Session> {
  return expect
    .poll(
      async () => {
        const all = await lab.api.store.list({
          visibility: { kind: 'all' },
          filter: {},
          limit: 100,
        });
        return all.find((it) => it.request.target.name === pod);
      },
      { timeout: 30_000 },
    )
    .toBeDefined()
    .then(async () => {
      const all = await lab.api.store.list({ visibility: { kind: 'all' }, filter: {}, limit: 100 });
      const found = all.find((it) => it.request.target.name === pod);
      if (!found) throw new Error('the session is gone');
      return found;
    });
}

describe('kubectl debug', () => {
  test('asks for a session, waits for it and is let in, with the input passed through', async () => {
    const pod = newPod();
    const run = kubectl.run(debug(pod, REASON, '--', 'sh', '-c', 'cat; exit 3'), {
      stdin: 'hello\n',
      timeoutMs: 30_000,
    });
    const session = await sessionOn(pod);
    expect(session).toMatchObject({
      requester: { sub: ROBIN.sub },
      request: {
        cluster: 'sandbox',
        namespace: 'staging',
        container: 'app',
        profile: 'tools',
        reason: 'orders are stuck',
      },
    });
    await lab.api.step(session.id, 'start');
    await lab.api.step(session.id, 'run', { startedAt: new Date() });
    const ran = await run;
    expect(ran.stdout).toContain('hello\n');
    expect(lab.api.kubectl.enter.entries.at(-1)).toMatchObject({
      session: session.id,
      kind: 'exec',
      way: 'kubectl',
      command: ['sh', '-c', 'cat; exit 3'],
      stdin: true,
    });
  });

  test('takes ticket, duration and profile from the environment', async () => {
    const pod = newPod();
    const run = kubectl.run(
      debug(
        pod,
        `--image=${IMAGE}`,
        `${REASON},HALLPASS_TICKET=INC-7,HALLPASS_DURATION=5m,HALLPASS_PROFILE=twin`,
        '--',
        'true',
      ),
      { timeoutMs: 30_000 },
    );
    const session = await sessionOn(pod);
    expect(session.request).toMatchObject({
      reason: 'orders are stuck',
      ticket: 'INC-7',
      durationSeconds: 300,
      profile: 'twin',
    });
    await lab.api.step(session.id, 'start');
    await run;
  });

  test('takes them from a file for --custom as well, where a value may have commas', async () => {
    const pod = newPod();
    const folder = await mkdtemp(join(tmpdir(), 'hallpass-custom-'));
    try {
      const file = join(folder, 'ask.json');
      const env = [{ name: 'HALLPASS_REASON', value: 'orders, carts and stock are stuck' }];
      await writeFile(file, JSON.stringify({ env }));
      const run = kubectl.run(debug(pod, `--custom=${file}`, '--', 'true'), { timeoutMs: 30_000 });
      const session = await sessionOn(pod);
      expect(session.request.reason).toBe('orders, carts and stock are stuck');
      await lab.api.step(session.id, 'start');
      await run;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  test('takes them from annotations, which kubectl patch sends, and attach gets in', async () => {
    const pod = newPod();
    const annotations = {
      'hallpass/reason': 'orders are stuck',
      'hallpass/ticket': 'INC-7',
      'hallpass/duration': '5m',
      'hallpass/profile': 'twin',
    };
    const container = { name: 'mine', image: IMAGE, targetContainerName: 'app', command: ['id'] };
    const patch = (more: object) => {
      const spec = { ephemeralContainers: [container] };
      const body = JSON.stringify({ metadata: { annotations: { ...annotations, ...more } }, spec });
      const args = ['--subresource=ephemeralcontainers', '-n', 'staging', '-p', body];
      return kubectl.run(['patch', 'pod', pod, ...args]);
    };
    const strange = await patch({ owner: 'me' });
    expect(strange.stderr).toContain('Hallpass annotates no Pod');
    expect(await patch({})).toMatchObject({ exitCode: 0, stdout: `pod/${pod} patched\n` });
    const session = await sessionOn(pod);
    expect(session.request).toMatchObject({
      reason: 'orders are stuck',
      ticket: 'INC-7',
      durationSeconds: 300,
      profile: 'twin',
    });
    await lab.api.step(session.id, 'start');
    await lab.api.step(session.id, 'run', { startedAt: new Date() });
    const ran = await kubectl.run(['attach', pod, '-c', 'mine', '-n', 'staging']);
    expect(ran.stdout).toContain('uid=');
  });

  test('that needs consent names the session, whom it waits for, and the command that waits', async () => {
    const ran = await kubectl.run(debug(newPod(), REASON, '-n', 'payments'));
    expect(ran.exitCode).not.toBe(0);
    expect(ran.stderr).toMatch(/Session \w{16} waits for one of payments-leads\./);
    expect(ran.stderr).toMatch(/hallpass sessions wait \w{16}/);
  });

  test('run again once others agreed, goes on with the session that was asked for', async () => {
    const pod = newPod();
    const args = debug(pod, REASON, '-n', 'payments', '--', 'echo', 'in');
    expect((await kubectl.run(args)).stderr).toContain('waits for');
    const session = await sessionOn(pod);
    const { version } = session;
    const decided = await lab.post(
      `/v1/sessions/${session.id}/decisions`,
      { verdict: 'approve' },
      'alex',
      { 'if-match': `"${version}"` },
    );
    expect(decided.status).toBe(200);
    const run = kubectl.run(args, { timeoutMs: 30_000 });
    await expect
      .poll(() => lab.api.kubectl.names.kept.some((it) => it.session === session.id))
      .toBe(true);
    await lab.api.step(session.id, 'start');
    expect((await run).stdout).toContain('in\n');
  });

  test('that is denied says the rule’s own words', async () => {
    const ran = await kubectl.run(debug(newPod(), `${REASON},HALLPASS_DURATION=1h`, '-n', 'short'));
    expect(ran.stderr).toMatch(/Session \w{16} was denied\. .*"short" would allow it, but/);
  });

  test('where no policy lets them in, nobody learns whether the Pod is there', async () => {
    const ran = await kubectl.run(debug('any', REASON, '-n', 'vault'));
    expect(ran.stderr).toContain('No policy lets you into Pods of namespace "vault"');
    lab.api.kubectl.pods.gone.add('missing');
    const missing = await kubectl.run(debug('missing', REASON, '-n', 'vault'));
    expect(missing.stderr).toBe(ran.stderr);
  });

  test.each([
    ['no reason', ['--', 'true'], 'Say why you need to get in: --env=HALLPASS_REASON='],
    ['an image of no profile', ['--image=alpine:3', REASON], 'tools (--image=tools:2)'],
    ['an image of several', [`--image=${IMAGE}`, REASON], 'HALLPASS_PROFILE=NAME: shell, twin'],
    [
      'a profile that has another image',
      [`${REASON},HALLPASS_PROFILE=shell`],
      'No profile "shell" has the image',
    ],
    ['a duration that is none', [`${REASON},HALLPASS_DURATION=long`], 'HALLPASS_DURATION must be'],
    ['other variables', [`${REASON},PATH=/x`], 'and not PATH'],
  ])('with %s is told what to do', async (_, more, told) => {
    const ran = await kubectl.run(debug(newPod(), ...more));
    expect(ran.exitCode).not.toBe(0);
    expect(ran.stderr).toContain(told);
  });

  test('cannot be attached to by somebody else', async () => {
    const pod = newPod();
    const run = kubectl.run(debug(pod, REASON, '--', 'true'), { timeoutMs: 30_000 });
    const session = await sessionOn(pod);
    await expect
      .poll(() => lab.api.kubectl.names.kept.some((it) => it.session === session.id))
      .toBe(true);
    const name = lab.api.kubectl.names.kept.find((it) => it.session === session.id)?.name ?? '';
    const other = await lab.kubectl(await standing('stranger'));
    const ran = await other.run(['attach', pod, '-c', name, '-n', 'staging']);
    expect(ran.exitCode).not.toBe(0);
    await lab.api.step(session.id, 'start');
    await run;
  });

  test('shows of the Pod no more than it takes to ask', async () => {
    const { stdout } = await kubectl.run(['get', 'pod', 'web', '-n', 'staging', '-o', 'json']);
    const pod = JSON.parse(stdout);
    expect(pod.spec).toEqual({
      containers: [{ name: 'app', image: 'docker.io/library/app:1' }],
      ephemeralContainers: [],
      securityContext: {},
    });
    expect(Object.keys(pod.metadata).sort()).toEqual([
      'creationTimestamp',
      'name',
      'namespace',
      'resourceVersion',
      'uid',
    ]);
  });

  test('is all that there is: the rest names the kubeconfig of the session', async () => {
    const ran = await kubectl.run(['get', 'pods', '-n', 'staging']);
    expect(ran.stderr).toContain('hallpass kubeconfig SESSION');
  });
});
