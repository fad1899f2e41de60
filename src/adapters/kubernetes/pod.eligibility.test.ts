import { describe, expect, it } from 'vitest';
import { PodDocument } from './kubernetes.documents.js';
import { whyNotDebuggable } from './pod.eligibility.js';

interface Parts {
  metadata?: object;
  spec?: object;
  status?: object;
}

function pod({ metadata, spec, status }: Parts = {}) {
  return PodDocument.parse({
    metadata: { name: 'web', uid: 'uid-1', ...metadata },
    spec: {
      nodeName: 'n1',
      containers: [{ name: 'app' }, { name: 'side' }],
      initContainers: [{ name: 'setup' }],
      ephemeralContainers: [{ name: 'hallpass-1' }],
      ...spec,
    },
    status: {
      phase: 'Running',
      containerStatuses: [
        { name: 'app', state: { running: { startedAt: '2026-11-23T23:25:30Z' } } },
        { name: 'side', state: { waiting: { reason: 'CrashLoopBackOff' } } },
      ],
      initContainerStatuses: [
        { name: 'setup', state: { terminated: { exitCode: 0, reason: 'Completed' } } },
      ],
      ...status,
    },
  });
}

function onNodes(systems: string[][]) {
  const nodeSelectorTerms = systems.map((values) => ({
    matchExpressions: [{ key: 'kubernetes.io/os', operator: 'In', values }],
  }));
  const required = { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } };
  return { nodeAffinity: required };
}

describe('a Pod that is to take a debug container', () => {
  it('may, when it runs', () => {
    expect(whyNotDebuggable(pod(), undefined)).toBeUndefined();
    expect(whyNotDebuggable(pod(), 'app')).toBeUndefined();
  });

  it('may, when it is scheduled and its own containers have not started', () => {
    expect(whyNotDebuggable(pod({ status: { phase: 'Pending' } }), undefined)).toBeUndefined();
  });

  it.each<[string, Parts, RegExp]>([
    [
      'finished well',
      { status: { phase: 'Succeeded' } },
      /has finished \(Succeeded\).*Ask for a Pod that runs/,
    ],
    ['failed', { status: { phase: 'Failed' } }, /has finished \(Failed\)/],
    [
      'is being deleted',
      { metadata: { deletionTimestamp: '2026-11-23T23:25:30Z' } },
      /being deleted.*takes its place/,
    ],
    ['is on no node', { spec: { nodeName: undefined } }, /on no node yet.*ask again/],
    [
      'is a static Pod',
      { metadata: { annotations: { 'kubernetes.io/config.mirror': 'x' } } },
      /static Pod.*on the node itself/,
    ],
    [
      'says that it is for Windows',
      { spec: { os: { name: 'windows' } } },
      /Windows.*on the node itself/,
    ],
    ['has options for Windows', { spec: { securityContext: { windowsOptions: {} } } }, /Windows/],
    ['must be on Windows', { spec: { affinity: onNodes([['windows']]) } }, /Windows/],
    [
      'asks for a Windows node',
      { spec: { nodeSelector: { 'kubernetes.io/os': 'windows' } } },
      /Windows/,
    ],
  ])('is refused when it %s', (_, parts, says) => {
    expect(whyNotDebuggable(pod(parts), undefined)).toMatchObject({
      problem: 'target-not-debuggable',
      detail: expect.stringMatching(says),
    });
  });

  it('may, when it could be on Windows and need not', () => {
    const either = pod({ spec: { affinity: onNodes([['windows'], ['linux']]) } });
    expect(whyNotDebuggable(either, undefined)).toBeUndefined();
    expect(whyNotDebuggable(pod({ spec: { affinity: {} } }), undefined)).toBeUndefined();
  });

  it('is refused for a container that it has not, and says what there is', () => {
    expect(whyNotDebuggable(pod(), 'apps')).toMatchObject({
      problem: 'container-not-found',
      detail: expect.stringMatching(/Did you mean "app"\? There is: app, side, setup\./),
    });
  });

  it('is refused for an ephemeral container, which cannot be a target', () => {
    expect(whyNotDebuggable(pod(), 'hallpass-1')).toMatchObject({
      problem: 'container-not-found',
      detail: expect.stringMatching(/is an ephemeral container.*There is: app, side, setup\./),
    });
  });

  it.each([
    ['side', 'CrashLoopBackOff'],
    ['setup', 'Completed'],
  ])('is refused for its container "%s", which does not run', (container, reason) => {
    expect(whyNotDebuggable(pod(), container)).toMatchObject({
      problem: 'target-not-debuggable',
      detail: expect.stringMatching(new RegExp(`not running \\(${reason}\\).*without "container"`)),
    });
  });
});
