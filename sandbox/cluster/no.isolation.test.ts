import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Lab } from './replay.lab.js';

let lab: Lab;
beforeAll(async () => {
  vi.stubEnv('HALLPASS_SANDBOX_ISOLATION', 'none');
  lab = await Lab.start(['web']);
});
afterAll(async () => {
  await lab.close();
  vi.unstubAllEnvs();
});

describe('a machine without namespaces', () => {
  const why = /HALLPASS_SANDBOX_ISOLATION.*applications run as plain processes/;

  it('runs applications, and says what is missing', () => {
    expect(lab.pod('web').status.phase).toBe('Running');
    expect(lab.cluster.runtime.isolation).toBe('none');
    expect(lab.cluster.runtime.isolationNote).toMatch(why);
  });

  it.each([
    ['reads its input', ['sh', '-c', 'read x'], { stdin: true }],
    ['shares processes', ['sleep', '600'], { targetContainerName: 'app' }],
    ['kills', ['sh', '-c', 'for p in /proc/[0-9]*; do kill -9 ${p#/proc/}; done'], {}],
  ])('starts no debug container that %s, and its status says why', async (name, command, more) => {
    const container = lab.busybox(name.replaceAll(' ', '-'), command, more);
    await lab.addEphemeral(container);
    await lab.untilEphemeral(container.name, (s) => s.state.waiting?.message !== undefined);
    const statuses = lab.pod('web').status.ephemeralContainerStatuses;
    const { state } = statuses?.find((s) => s.name === container.name) ?? {};
    expect(state).toMatchObject({
      waiting: { reason: 'RunContainerError', message: expect.stringMatching(why) },
    });
  });

  it('lets nobody into an application, and the stream says why', async () => {
    const trial = await lab.client.stream({
      path: '/api/v1/namespaces/lab/pods/web/exec?container=app&stdout=true&command=true',
      token: lab.token(),
      protocols: ['v5.channel.k8s.io'],
    });
    const status = trial.frames.find((frame) => frame.channel === 3)?.text ?? '{}';
    expect(JSON.parse(status)).toMatchObject({
      reason: 'InternalError',
      message: expect.stringMatching(why),
    });
  });
});
