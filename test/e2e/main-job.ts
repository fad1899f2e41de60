import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PEOPLE } from '../../sandbox/identity/people.js';
import { describeBrokerAccount } from './broker-account.js';
import type { Pace, PodMade, WorldSettings } from './cluster.world.js';
import { ClusterWorld, leftBehind, uniqueName } from './cluster.world.js';
import type { ConsentedStory } from './consented.story.js';
import { stepsOf, tellConsented } from './consented.story.js';
import { FIGHT, FIGHTER, IS_SEEN, shell } from './inside.scripts.js';
import { ABSENT_IMAGE, ABSENT_SHELL, MainJobLab } from './main-job.lab.js';
import { statusOf } from './pod.shapes.js';

/**
 * The promises of the main job, on any cluster whose admin the settings name. What is used is what an API server of
 * Kubernetes 1.31 to 1.36 accepts; everything that is made is removed in the end.
 *
 * @param settings asked for when the tests begin.
 */
export function describeMainJob(
  title: string,
  { pace, settings }: { readonly pace: Pace; readonly settings: () => Omit<WorldSettings, 'pace'> },
): void {
  // A test waits for several things, one after the other.
  const limitMs = 3 * pace.patienceMs;
  describe(title, { timeout: limitMs }, () => {
    const opened = new AsyncDisposableStack();
    let lab: MainJobLab;
    beforeAll(async () => {
      lab = opened.use(await MainJobLab.start({ ...settings(), pace }));
    }, limitMs);
    afterAll(() => opened.disposeAsync(), limitMs);

    const statusIn = async (pod: PodMade, container: string) =>
      statusOf(await lab.world.readPod(pod.name), container);

    describe.concurrent('a session that an approver consents to', () => {
      let told: Promise<ConsentedStory> | undefined;
      const story = () => (told ??= tellConsented(lab));

      test('waits for the approver, and until then nothing is in the Pod', async () => {
        const { asked, podBefore } = await story();
        expect(asked).toMatchObject({ state: 'pending', container: null });
        expect(asked.approvals).toMatchObject({ needed: 1, given: [] });
        expect(podBefore.spec?.ephemeralContainers ?? []).toEqual([]);
      });

      test('is granted by a consent to what was seen, and by no other', async () => {
        const { asked, stale, decided } = await story();
        expect(stale).toMatchObject({
          status: 412,
          body: { type: 'urn:hallpass:problem:changed-since-seen' },
        });
        expect(decided.decisions.at(-1)).toMatchObject({
          verdict: 'approve',
          person: { sub: 'alex' },
          comment: 'go ahead',
          seenVersion: asked.version,
        });
      });

      test('runs in that very Pod, with the session in its name and its environment', async () => {
        const { pod, asked, active, podMeanwhile, container } = await story();
        expect(active.pod).toMatchObject({ name: pod.name, uid: pod.uid });
        expect(podMeanwhile.metadata?.uid).toBe(pod.uid);
        expect(container).toBe(`hallpass-${asked.id}`);
        expect(podMeanwhile.spec?.ephemeralContainers).toEqual([
          expect.objectContaining({
            name: container,
            image: lab.world.settings.images.debug,
            env: expect.arrayContaining([{ name: 'HALLPASS_SESSION', value: asked.id }]) as unknown,
          }),
        ]);
        expect(statusOf(podMeanwhile, container)?.state?.running).toBeDefined();
      });

      test('has the timer for its main process', async ({ skip }) => {
        const { isTimer } = await story();
        if ('notAllowed' in isTimer) skip(isTimer.notAllowed);
        expect(isTimer).toEqual({ exitCode: 0 });
      });

      test('ends at its deadline, and the Pod goes on', async () => {
        const { asked, active, ended, podAfter, container } = await story();
        const { durationSeconds } = asked.request;
        expect(ended).toMatchObject({ endReason: 'deadline', deadline: active.deadline });
        expect(secondsBetween(active.startedAt, active.deadline)).toBe(durationSeconds);
        const { terminated } = statusOf(podAfter, container)?.state ?? {};
        expect(terminated?.exitCode).toBe(0);
        // Both by the clock of the node, in whole seconds.
        const lasted = secondsBetween(terminated?.startedAt, terminated?.finishedAt);
        expect(lasted).toBeGreaterThanOrEqual(durationSeconds - 2);
        expect(lasted).toBeLessThanOrEqual(durationSeconds + 2);
        expect(statusOf(podAfter, 'app')).toMatchObject({ restartCount: 0, ready: true });
      });

      test('leaves each of its steps in the audit log, in their order', async () => {
        const { asked, pod, steps, audit } = await story();
        expect(steps.join(' ')).toMatch(
          /^ask approve start run note (stop|expire( escalate)* finish)$/,
        );
        expect(audit.map(({ action }) => action)).toEqual(steps.map((it) => `session.${it}`));
        const times = audit.map(({ at }) => Date.parse(at));
        expect(times).toEqual(times.toSorted((a, b) => a - b));
        for (const { session, body } of audit) {
          expect(session).toBe(asked.id);
          expect(body).toMatchObject({
            target: { namespace: lab.world.namespace, pod: pod.name, podUid: pod.uid },
          });
        }
      });
    });

    describe.concurrent('a session for a workload', () => {
      test('runs in a ready Pod of it', async () => {
        const { name, pods } = await lab.world.deployment();
        const robin = await lab.as('requester');
        const workload = { kind: 'Deployment', name, pick: 'any-ready' } as const;
        const session = await lab.until(robin, await lab.ask(robin, { workload }), 'active');
        expect(pods).toContain(session.pod?.name);
        await robin.act(session.id, 'end');
        await lab.until(robin, session, 'ended');
      });

      test('runs in a Pod of it that is not ready, where there is one', async () => {
        const { name, ready, stuck } = await lab.world.halfHealthy();
        const robin = await lab.as('requester');
        const asked = (pick: object, start: object) =>
          lab.ask(robin, { workload: { kind: 'StatefulSet', name, ...pick } }, start);
        const healthy = await asked({ pick: 'any-ready' }, { start: 'manual' });
        expect(healthy.pod?.name).toBe(ready);
        await robin.act(healthy.id, 'end');

        const session = await lab.until(robin, await asked({}, {}), 'active');
        expect(session.pod?.name).toBe(stuck);
        await robin.act(session.id, 'end');
        await lab.until(robin, session, 'ended');
      });
    });

    describe.concurrent('a session ends early', () => {
      test('when its requester ends it', async () => {
        const { pod, robin, session, container } = await lab.active();
        await robin.act(session.id, 'end');
        const ended = await lab.until(robin, session, 'ended');
        expect(ended).toMatchObject({ endReason: 'left' });
        expect(secondsBetween(ended.endedAt, ended.deadline)).toBeGreaterThan(0);
        expect((await statusIn(pod, container))?.state?.terminated).toBeDefined();
        expect(await statusIn(pod, 'app')).toMatchObject({ restartCount: 0, ready: true });
      });

      test('when an admin revokes it, who is named', async () => {
        const { pod, robin, session, container } = await lab.active();
        const ada = await lab.as('admin');
        await ada.act(session.id, 'revoke', { comment: 'the incident is over' });
        const ended = await lab.until(robin, session, 'ended');
        expect(ended).toMatchObject({
          endReason: 'revoked',
          endDetail: `Revoked by ${PEOPLE.admin.email}: the incident is over`,
        });
        expect((await statusIn(pod, container))?.state?.terminated).toBeDefined();
      });

      test('when its Pod is deleted', async () => {
        const { pod, robin, session } = await lab.active();
        await lab.world.deletePod(pod.name);
        const ended = await lab.until(robin, session, 'ended');
        expect(ended).toMatchObject({ endReason: 'pod-gone' });
        expect(ended.endDetail).toContain(pod.name);
      });
    });

    describe.concurrent('a request', () => {
      test('that policy refuses never touches the cluster', async () => {
        const [refused, granted] = [uniqueName('unseen'), uniqueName('unseen')];
        const robin = await lab.as('requester');
        const session = await lab.ask(robin, { pod: refused }, { profile: 'forbidden' });
        expect(session).toMatchObject({ state: 'denied', pod: null, policy: { rule: 'never' } });
        expect(lab.askedAbout(refused)).toEqual([]);
        // That the ear is open: what policy grants is asked about.
        await lab.ask(robin, { pod: granted }).catch(() => undefined);
        expect(lab.askedAbout(granted)).not.toEqual([]);
      });

      const unfit: readonly {
        readonly what: string;
        readonly pod: () => Promise<string>;
        readonly container?: string;
        readonly problem: string;
        readonly says: RegExp;
      }[] = [
        {
          what: 'a Pod that is not there',
          pod: async () => 'checkout-0',
          problem: 'target-not-found',
          says: /Pod "checkout-0".* Check the names/,
        },
        {
          what: 'a container that is not there',
          pod: async () => (await lab.world.pod()).name,
          container: 'ap',
          problem: 'container-not-found',
          says: /no container "ap"\. Did you mean "app"\?/,
        },
        {
          what: 'a Pod that has finished',
          pod: async () => (await lab.world.pod('finishes')).name,
          problem: 'target-not-debuggable',
          says: /has finished \(Succeeded\).* Ask for a Pod that runs/,
        },
      ];
      test.each(unfit)('for $what is refused at once, with what to do', async (row) => {
        const pod = await row.pod();
        const robin = await lab.as('requester');
        const { container, problem, says } = row;
        const asking = lab.ask(robin, { pod }, container === undefined ? {} : { container });
        await expect(asking).rejects.toMatchObject({
          answer: {
            status: 422,
            body: {
              type: `urn:hallpass:problem:${problem}`,
              detail: expect.stringMatching(says) as unknown,
            },
          },
        });
      });
    });

    describe.concurrent('a start that cannot succeed', () => {
      test.each([
        { profile: 'absent-image', names: ABSENT_IMAGE, todo: "the profile's image reference" },
        { profile: 'absent-shell', names: ABSENT_SHELL, todo: 'the image must hold the shell' },
      ])('fails with what Kubernetes says and what to do: $profile', async (row) => {
        const { world } = lab;
        const pod = await world.pod();
        const robin = await lab.as('requester');
        const asked = await lab.ask(robin, { pod: pod.name }, { profile: row.profile });
        const ended = await lab.until(robin, asked, 'ended');
        expect(ended).toMatchObject({ endReason: 'start-failed', startedAt: null });
        expect(ended.endDetail).toMatch(/^Kubernetes says \w+: /);
        expect(ended.endDetail).toContain(row.names);
        expect(ended.endDetail).toContain(row.todo);
        expect(await statusIn(pod, 'app')).toMatchObject({ restartCount: 0, ready: true });
      });
    });

    describe.concurrent('a user who fights for the container', () => {
      test('is put out all the same, and nothing of theirs goes on beside the application', async ({
        skip,
      }) => {
        const { world } = lab;
        const { pod, robin, session, container } = await lab.active({
          kind: 'shell',
          container: 'app',
          durationSeconds: 2 * pace.sessionSeconds,
        });
        const seesFighter = () => world.exec(pod, 'app', shell(IS_SEEN, 'look', FIGHTER));
        const began = await world.exec(pod, container, shell(FIGHT, FIGHTER));
        if ('notAllowed' in began) skip(began.notAllowed);
        expect(await seesFighter()).toEqual({ exitCode: 0 });

        const ended = await lab.until(robin, session, 'ended');
        expect(ended).toMatchObject({ endReason: 'deadline' });
        expect(await stepsOf(robin, session)).toContain('escalate');
        expect((await statusIn(pod, container))?.state?.terminated).toBeDefined();
        expect(await seesFighter()).toEqual({ exitCode: 1 });
        expect(await statusIn(pod, 'app')).toMatchObject({ restartCount: 0, ready: true });
      });
    });

    describeBrokerAccount(() => lab);

    describe.concurrent('the test itself', () => {
      test('removes what it had made where making the rest fails', async () => {
        const settings = { ...lab.world.settings, run: uniqueName('hallpass-test') };
        const failing = ClusterWorld.start({ ...settings, rights: ['rbac.yaml', 'absent.yaml'] });
        await expect(failing).rejects.toThrow('absent.yaml');
        expect(await leftBehind(settings)).toEqual([]);
      });
    });

    test('nothing is left of it in the cluster', async () => {
      const { settings } = lab.world;
      expect(await leftBehind(settings)).toHaveLength(2);
      await opened.disposeAsync();
      expect(await leftBehind(settings)).toEqual([]);
    });
  });
}

function secondsBetween(
  from: Date | string | null | undefined,
  to: Date | string | null | undefined,
): number {
  return (new Date(to ?? Number.NaN).getTime() - new Date(from ?? Number.NaN).getTime()) / 1000;
}
