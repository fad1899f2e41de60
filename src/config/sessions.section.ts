import { z } from 'zod';
import { DAY_SECONDS, onObjects, seconds } from './fields.js';

const asks = z.int().min(1).max(1_000_000);

export const sessionsSection = z
  .strictObject({
    defaultDurationSeconds: seconds(1, 7 * DAY_SECONDS)
      .default(1800)
      .meta({ description: 'How long a session lasts that does not say.', examples: [900] }),
    longestDurationSeconds: seconds(1, 7 * DAY_SECONDS)
      .default(28_800)
      .meta({
        description: 'The longest that can be asked for, whatever a policy says.',
        examples: [14_400],
      }),
    startDeadlineSeconds: seconds(1, 3600)
      .default(60)
      .meta({
        description: 'How long a container may take to start before the start has failed.',
        examples: [120],
      }),
    pendingLapseSeconds: seconds(1, 30 * DAY_SECONDS)
      .default(3600)
      .meta({
        description: 'How long a request waits for a decision before it lapses.',
        examples: [1800],
      }),
    approvedLapseSeconds: seconds(1, 30 * DAY_SECONDS)
      .default(900)
      .meta({
        description: 'How long an approved session waits for its start before it lapses.',
        examples: [600],
      }),
    checkSeconds: seconds(1, 300)
      .default(5)
      .meta({
        description: 'How often a running container is looked at.',
        examples: [10],
      }),
    overrunSeconds: seconds(1, 3600)
      .default(30)
      .meta({
        description: "How long an ending may take before the policy's `onOverrun` is due.",
        examples: [60],
      }),
    startGraceSeconds: seconds(1, 600)
      .default(30)
      .meta({
        description:
          'How far the clock of a node may be behind. So long after its start deadline a container that never ' +
          'started is still watched.',
        examples: [60],
      }),
    handOverSeconds: seconds(1, 600)
      .default(30)
      .meta({
        description:
          'How long the container that a session has moved from, by an extension, is left to those who are in it.',
        examples: [60],
      }),
    asksPerMinute: z
      .strictObject({
        person: asks
          .default(30)
          .meta({ description: 'How often one person may ask.', examples: [10] }),
        address: asks.default(300).meta({
          description:
            'How often may be asked from one address, of IPv6 from one /64: that of a proxy, where `server.trustProxy` believes none.',
          examples: [600],
        }),
        all: asks
          .default(600)
          .meta({ description: 'How often may be asked at all.', examples: [2000] }),
      })
      .prefault({})
      .meta({ description: 'How often each replica lets sessions be asked for, in a minute.' }),
    leaseSeconds: seconds(1, 300)
      .default(15)
      .meta({
        description: 'How long the work of a replica that died waits for another.',
        examples: [10],
      }),
    workers: z
      .int()
      .min(1)
      .max(1024)
      .default(64)
      .meta({
        description:
          'How many sessions of one cluster a replica ends at once, and as many on which it does anything else: neither ' +
          'waits for the other, and a cluster that does not answer holds up its own sessions alone. Two at least.',
        examples: [128],
      }),
    allWorkers: z
      .int()
      .min(1)
      .max(65_536)
      .default(512)
      .meta({
        description:
          'How many sessions of all clusters together a replica ends at once, and as many on which it does anything else. ' +
          'Each cluster has an equal share of both, `sessions.workers` at most and two at least.',
        examples: [1024],
      }),
  })
  .refine((it) => !(it.defaultDurationSeconds > it.longestDurationSeconds), {
    ...onObjects,
    path: ['defaultDurationSeconds'],
    error: 'must not be above sessions.longestDurationSeconds',
  });
