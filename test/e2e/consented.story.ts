import type { ApiClient } from '../../sandbox/broker/api.client.js';
import type { SessionDetails } from '../../src/contract/session.schema.js';
import { MAIN_IS_TIMER, shell } from './inside.scripts.js';
import type { MainJobLab } from './main-job.lab.js';

export type ConsentedStory = Awaited<ReturnType<typeof tellConsented>>;

/** A session from asking to its deadline, on the consent of an approver, with all that was seen on the way. */
export async function tellConsented(lab: MainJobLab) {
  const { world } = lab;
  const pod = await world.pod();
  const [robin, alex, audrey] = await Promise.all([
    lab.as('requester'),
    lab.as('approver'),
    lab.as('auditor'),
  ]);
  const durationSeconds = world.settings.pace.sessionSeconds;
  const asked = await lab.ask(robin, { pod: pod.name }, { profile: 'guarded', durationSeconds });
  const podBefore = await world.readPod(pod.name);

  const seen = await alex.session(asked.id);
  const stale = await alex.call('POST', `/v1/sessions/${asked.id}/decisions`, {
    body: { verdict: 'approve' },
    headers: { 'if-match': `"${seen.version + 1}"` },
  });
  const decided = await alex.decide(seen, 'approve', 'go ahead');

  const active = await lab.until(robin, asked, 'active');
  const container = active.container?.name ?? '';
  const podMeanwhile = await world.readPod(pod.name);
  const isTimer = await world.exec(pod, container, shell(MAIN_IS_TIMER));

  const ended = await lab.until(robin, asked, 'ended');
  const podAfter = await world.readPod(pod.name);
  return {
    ...{ pod, asked, podBefore, stale, decided, active, container, podMeanwhile, isTimer },
    ...{ ended, podAfter },
    steps: await stepsOf(robin, asked),
    audit: await audrey.audit(asked.id),
  };
}

/** The events of a session that has ended, in their order. */
export async function stepsOf(
  by: ApiClient,
  { id }: Pick<SessionDetails, 'id'>,
): Promise<string[]> {
  const events: string[] = [];
  for await (const { event } of by.steps(id)) events.push(event);
  return events;
}
