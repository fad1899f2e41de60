import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { PodDocument } from './kubernetes.documents.js';
import { observationOf } from './observation.mapper.js';

const RECORDINGS = new URL('../../../test/kubernetes-1.36/lifecycle/', import.meta.url);
const Lifecycle = z.object({
  ephemeralContainer: z.object({ name: z.string() }).optional(),
  events: z.array(
    z.object({
      line: z.looseObject({
        resourceVersion: z.string(),
        deletionTimestamp: z.string().optional(),
        phase: z.string(),
      }),
    }),
  ),
});

/** What is seen of a recorded life, step by step. */
function lifeOf(name: string, containerName?: string) {
  const text = readFileSync(new URL(`${name}.json`, RECORDINGS), 'utf8');
  const { ephemeralContainer, events } = Lifecycle.parse(JSON.parse(text));
  const called = containerName ?? ephemeralContainer?.name ?? '';
  return events.map(({ line }) => {
    const { resourceVersion, deletionTimestamp, ...status } = line;
    const pod = pods({ status, metadata: { resourceVersion, deletionTimestamp }, added: called });
    return observationOf(pod, { podUid: 'uid-1', containerName: called });
  });
}

function pods(args: { status?: object; metadata?: object; added?: string }) {
  return PodDocument.parse({
    metadata: { name: 'web', uid: 'uid-1', ...args.metadata },
    spec: {
      nodeName: 'n1',
      containers: [{ name: 'app' }],
      ...(args.added === undefined ? {} : { ephemeralContainers: [{ name: args.added }] }),
    },
    status: args.status,
  });
}

const place = { podUid: 'uid-1', containerName: 'dbg' };

describe('what a Pod says of a session', () => {
  it('a container that runs and ends well', () => {
    expect(lifeOf('exits-zero')).toMatchObject([
      { kind: 'waiting', reason: '' },
      { kind: 'waiting', reason: 'ContainerCreating' },
      {
        kind: 'running',
        startedAt: new Date('2026-11-23T23:25:30Z'),
        imageId: 'sha256:10449b8666a0e65c45bb1f0918e09a4f3a29ff84c164a281fa0820f878f8128d',
        podEnding: false,
      },
      {
        kind: 'terminated',
        exitCode: 0,
        reason: 'Completed',
        message: '',
        imageId: 'sha256:10449b8666a0e65c45bb1f0918e09a4f3a29ff84c164a281fa0820f878f8128d',
        startedAt: new Date('2026-11-23T23:25:30Z'),
        finishedAt: expect.any(Date),
      },
    ]);
  });

  it('a container that ends with an exit code', () => {
    expect(lifeOf('exits-seven').at(-1)).toMatchObject({
      kind: 'terminated',
      exitCode: 7,
      reason: 'Error',
    });
  });

  it('a command that cannot be executed is over, though its state says that it waits', () => {
    expect(lifeOf('command-not-found').at(-1)).toMatchObject({
      kind: 'terminated',
      exitCode: 128,
      reason: 'RunContainerError',
      message: expect.stringContaining('stat /no/such: no such file or directory'),
      startedAt: null,
      finishedAt: new Date('2026-11-23T23:44:57Z'),
    });
  });

  it.each([
    ['image-never-pull', 'ErrImageNeverPull', 'docker.io/library/absent:1'],
    ['image-pull-fails', 'ImagePullBackOff', 'connection refused'],
  ])('%s: waits, with what Kubernetes says', (name, reason, says) => {
    expect(lifeOf(name).at(-1)).toMatchObject({
      kind: 'waiting',
      reason,
      message: expect.stringContaining(says),
    });
  });

  it('a Pod on no node never shows the container, which was added all the same', () => {
    expect(lifeOf('pod-pending')).toEqual([
      { kind: 'waiting', reason: '', message: '', podEnding: false },
    ]);
  });

  it('a Pod that is deleted says so while the container still runs, and then that it has ended', () => {
    const life = lifeOf('pod-deleted-under-session', 'dbg-mwtymxra');
    expect(life[0]).toMatchObject({ kind: 'running', podEnding: true });
    expect(life.at(-1)).toMatchObject({ kind: 'terminated', exitCode: 143, podEnding: true });
  });

  it('a container that was never added is absent', () => {
    expect(observationOf(pods({ status: { phase: 'Running' } }), place)).toEqual({
      kind: 'absent',
      podEnding: false,
    });
  });

  it('another Pod under the same name is not the one', () => {
    const other = pods({ metadata: { uid: 'uid-2' }, added: 'dbg' });
    expect(observationOf(other, place)).toMatchObject({ kind: 'pod-gone' });
  });

  it.each(['Succeeded', 'Failed'])(
    'a Pod that has %s without ever starting the container is gone',
    (phase) => {
      const status = {
        phase,
        ephemeralContainerStatuses: [{ name: 'dbg', state: { waiting: {} } }],
      };
      expect(observationOf(pods({ status, added: 'dbg' }), place)).toMatchObject({
        kind: 'pod-gone',
      });
    },
  );

  it('a finished Pod whose debug container still runs is not over', () => {
    const status = {
      phase: 'Succeeded',
      ephemeralContainerStatuses: [
        { name: 'dbg', state: { running: { startedAt: '2026-11-23T23:25:30Z' } } },
      ],
    };
    expect(observationOf(pods({ status, added: 'dbg' }), place)).toMatchObject({ kind: 'running' });
  });

  it('a container whose record was lost may be made again, so it is not over', () => {
    const lost = { exitCode: 137, reason: 'ContainerStatusUnknown' };
    const status = {
      phase: 'Running',
      ephemeralContainerStatuses: [
        {
          name: 'dbg',
          state: { waiting: { reason: 'ContainerCreating' } },
          lastState: { terminated: lost },
        },
      ],
    };
    expect(observationOf(pods({ status, added: 'dbg' }), place)).toMatchObject({ kind: 'waiting' });
  });
});
