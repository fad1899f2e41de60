import type { App, Receiver } from '@slack/bolt';
import { expect, test } from 'vitest';
import { MemoryJournal } from '../../../test/support/in-memory.ports.js';
import { keptSpans } from '../../../test/support/kept.spans.js';
import { actorOf, ROBIN } from '../../../test/support/sessions.js';
import type { Caller } from '../../app/caller.js';
import { placeOf, traceparentOf } from '../../domain/traceparent.js';
import { SystemClock } from '../jobs/system.clock.js';
import { SlackCallers } from './slack.callers.js';
import { SlackDesk } from './slack.desk.js';
import { SlackDoor } from './slack.door.js';

const SENT = traceparentOf({ traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), isSampled: true });

/** Stands for Slack: what it gets from Bolt is what Slack would send to. */
class Wire implements Receiver {
  app: App | undefined;
  init(app: App): void {
    this.app = app;
  }
  start = () => Promise.resolve();
  stop = () => Promise.resolve();
}

test('what comes from Slack is worked on in a span, and who acts there acts in its trace', async () => {
  const { tracer, spans } = keptSpans();
  const user = {
    ...{ teamId: 'T1', userId: 'U1', name: 'robin', isEmailConfirmed: true },
    ...{ isDeleted: false, isBot: false, isGuest: false, isStranger: false },
  };
  const callers = new SlackCallers({
    api: { userInfo: () => Promise.resolve(user) },
    people: {
      callerOf: () => Promise.resolve({ actor: actorOf(ROBIN), roles: ['requester'] }),
      offer: () => Promise.reject(new Error('nobody is offered a link')),
    },
    clock: new SystemClock(),
    publicUrl: 'https://hallpass.example',
    tracer,
  });
  const acting: Caller[] = [];
  // Help needs nothing of the desk's: who asks for it is looked up here.
  const desk = new SlackDesk({} as never);
  const receiver = new Wire();
  new SlackDoor({ receiver, desk, buttons: {} as never, journal: new MemoryJournal(), tracer });
  const body = {
    ...{ command: '/debug', text: 'help', user_id: 'U1', channel_id: 'C1', team_id: 'T1' },
    trigger_id: 't',
  };
  const ack = async () => {
    const caller = await callers.of({ userId: 'U1' }, 'session:request');
    if ('actor' in caller) acting.push(caller);
  };
  const request = tracer.begin('http.request', { under: SENT });
  await tracer.within(request, async () => receiver.app?.processEvent({ body, ack }));
  await receiver.app?.processEvent({ body, ack });
  const places = acting.map(({ actor }) => actor.traceparent && placeOf(actor.traceparent));
  expect(places[0]?.traceId).toBe(placeOf(SENT).traceId);
  expect(places[0]?.spanId).not.toBe(request.traceparent && placeOf(request.traceparent).spanId);
  // What came by the WebSocket is in no request: its trace begins with it.
  expect(places[1]?.traceId).toMatch(/^[0-9a-f]{32}$/);
  expect(places[1]?.traceId).not.toBe(placeOf(SENT).traceId);
  await tracer.close();
  expect(spans.map(({ name }) => name)).toEqual(['slack.message', 'slack.message']);
});
