import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { BOUNDS } from '../../test/support/session.bounds.js';
import {
  PROFILE,
  SYSTEM,
  actorOf,
  grantOf,
  newSession,
  ROBIN,
} from '../../test/support/sessions.js';
import { canonicalJson } from '../domain/audit/canonical.js';
import { BODY_BYTES_MAX } from '../domain/audit/entry.js';
import type { DebugProfile } from '../domain/policy/policy.js';
import { SPEC_BYTES_MAX, containerSpec } from '../domain/session/container.spec.js';
import { extensionOf } from '../domain/session/extension.js';
import type { Session } from '../domain/session/session.js';
import { stepOf } from './session-step.js';
import { startChanges } from './start-session.js';

const AT = new Date('2026-11-28T12:00:00Z');

function approved(profile: Partial<DebugProfile> = {}): Session {
  const grant = grantOf('a'.repeat(64));
  return newSession({ grant: { ...grant, profile: { ...PROFILE, ...profile } } });
}

function started(session: Session) {
  return stepOf({
    session,
    event: 'start',
    capacities: ['system'],
    actor: SYSTEM,
    at: AT,
    changes: startChanges(session, AT, BOUNDS),
  });
}

interface Told {
  readonly sha256: string;
  readonly bytes: number;
  readonly spec?: unknown;
}
function toldIn({ audit }: { readonly audit: { readonly body: Buffer } }): Told | undefined {
  const { data } = JSON.parse(audit.body.toString()) as { data: { containerSpec?: Told } };
  return data.containerSpec;
}
const digestOf = (spec: unknown) => createHash('sha256').update(canonicalJson(spec)).digest('hex');

describe('the event of the step that intends a container', () => {
  test('has the very object that is sent, before it is', () => {
    const step = started(approved({ env: [{ name: 'A', value: '1' }] }));
    const { session } = step;
    if (!session.container) throw new Error('no container');
    const spec = containerSpec(session, session.container);
    expect(toldIn(step)).toEqual({
      sha256: digestOf(spec),
      bytes: Buffer.byteLength(canonicalJson(spec)),
      spec: JSON.parse(JSON.stringify(spec)) as unknown,
    });
    expect(step.data).not.toHaveProperty('containerSpec');
  });

  test('has that of an extension, and not of the container that there is', () => {
    const active: Session = { ...started(approved()).session, state: 'active', deadlineAt: AT };
    const step = stepOf({
      session: active,
      event: 'extend',
      capacities: ['requester'],
      actor: actorOf(ROBIN),
      at: AT,
      changes: extensionOf(active, 900, { at: AT, startDeadlineSeconds: 60 }),
    });
    expect(toldIn(step)?.spec).toMatchObject({ name: `hallpass-${active.id}-2` });
  });

  test('no other step has one', () => {
    const { session } = started(approved());
    const step = stepOf({
      session,
      event: 'run',
      capacities: ['system'],
      actor: SYSTEM,
      at: AT,
      changes: { startedAt: AT, deadlineAt: AT },
    });
    expect(toldIn(step)).toBeUndefined();
  });

  test('has the digest of what is too large for an event, and fits whatever a profile holds', () => {
    const env = Array.from({ length: 100 }, (_, n) => ({
      name: `V${n}`,
      value: '語'.repeat(4_096),
    }));
    const step = started(approved({ env }));
    const { session } = step;
    if (!session.container) throw new Error('no container');
    const spec = containerSpec(session, session.container);
    const told = toldIn(step);
    expect(told).toEqual({ sha256: digestOf(spec), bytes: expect.any(Number) });
    expect(told?.bytes).toBeGreaterThan(SPEC_BYTES_MAX);
    expect(step.audit.body.length).toBeLessThan(BODY_BYTES_MAX / 2);
  });
});
