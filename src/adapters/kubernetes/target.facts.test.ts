import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { canonicalJson } from '../../domain/audit/canonical.js';
import { PodDocument } from './kubernetes.documents.js';
import { MARKS_BYTES_MAX, namespaceFacts, targetFacts } from './target.facts.js';

const Recorded = z.object({ response: z.object({ body: z.looseObject({}) }) });

/** As a real API server gave it. */
const POD = PodDocument.parse(
  Recorded.parse(
    JSON.parse(
      readFileSync(new URL('../../../test/kubernetes-1.36/get/pod.json', import.meta.url), 'utf8'),
    ),
  ).response.body,
);

const podWith = (metadata: object) =>
  PodDocument.parse({ ...POD, metadata: { ...POD.metadata, ...metadata } });
const LAB = namespaceFacts({ labels: { tier: 'prod' }, annotations: { team: 'payments' } });

const controlledBy = (kind: string, name: string, labels: object = {}) => {
  const apiVersion = kind === 'Job' ? 'batch/v1' : 'apps/v1';
  return podWith({
    ownerReferences: [{ apiVersion, uid: 'u', kind, name, controller: true }],
    labels,
  });
};

describe('facts of a target', () => {
  it('are what a recorded Pod says, without the copy of itself that kubectl leaves in it', () => {
    const { containers, ...facts } = targetFacts(POD, LAB);
    expect(facts).toEqual({
      namespaceLabels: { tier: 'prod' },
      namespaceAnnotations: { team: 'payments' },
      pod: 'web',
      labels: { app: 'web' },
      annotations: {},
      owner: { kind: 'Pod', name: 'web' },
      phase: 'Running',
      ready: true,
      restarts: 0,
      node: POD.spec.nodeName,
    });
    expect(containers).toEqual([
      { name: 'app', image: 'docker.io/library/app:1', digest: '', ready: true, restarts: 0 },
    ]);
  });

  it('have the digest of the image that runs, whatever tag was asked for', () => {
    const digest = `sha256:${'a'.repeat(64)}`;
    const [status] = POD.status?.containerStatuses ?? [];
    const pulled = PodDocument.parse({
      ...POD,
      status: {
        ...POD.status,
        containerStatuses: [
          { ...status, imageID: `docker.io/library/app@${digest}`, restartCount: 4 },
        ],
      },
    });
    expect(targetFacts(pulled, LAB)).toMatchObject({
      restarts: 4,
      containers: [{ name: 'app', digest, restarts: 4 }],
    });
  });

  it.each([
    [
      'a Pod of a Deployment',
      controlledBy('ReplicaSet', 'checkout-7d9f', { 'pod-template-hash': '7d9f' }),
      { kind: 'Deployment', name: 'checkout' },
    ],
    [
      'a Pod of a ReplicaSet that somebody made by hand',
      controlledBy('ReplicaSet', 'checkout-7d9f'),
      { kind: 'Other', name: 'checkout-7d9f' },
    ],
    [
      'a Pod whose hash is not in its ReplicaSet’s name',
      controlledBy('ReplicaSet', 'checkout', { 'pod-template-hash': '7d9f' }),
      { kind: 'Other', name: 'checkout' },
    ],
    [
      'a Pod of a StatefulSet',
      controlledBy('StatefulSet', 'ledger'),
      { kind: 'StatefulSet', name: 'ledger' },
    ],
    [
      'a Pod of a DaemonSet',
      controlledBy('DaemonSet', 'agent'),
      { kind: 'DaemonSet', name: 'agent' },
    ],
    [
      'a Pod of a Job, a CronJob’s too',
      controlledBy('Job', 'report-29401'),
      { kind: 'Job', name: 'report-29401' },
    ],
    [
      'a Pod of something else',
      controlledBy('Rollout', 'checkout'),
      { kind: 'Other', name: 'checkout' },
    ],
    [
      'a Pod of another group’s kind of that name',
      podWith({
        ownerReferences: [
          {
            apiVersion: 'batch.example.com/v1',
            uid: 'u',
            kind: 'Job',
            name: 'x',
            controller: true,
          },
        ],
      }),
      { kind: 'Other', name: 'x' },
    ],
    [
      'a Pod with an owner that does not control it',
      podWith({ ownerReferences: [{ uid: 'u', kind: 'Job', name: 'x' }] }),
      { kind: 'Pod', name: 'web' },
    ],
  ])('name the workload of %s', (_, pod, owner) => {
    expect(targetFacts(pod, LAB).owner).toEqual(owner);
  });

  it('are unknown where the namespace may not be read', () => {
    expect(targetFacts(POD, namespaceFacts('forbidden'))).toMatchObject({
      namespaceLabels: null,
      namespaceAnnotations: null,
      labels: { app: 'web' },
    });
  });

  it('hold labels and annotations up to 64 KiB each, and are unknown beyond', () => {
    const most = { a: 'x'.repeat(MARKS_BYTES_MAX - 1) };
    const more = { ...most, b: '' };
    expect(targetFacts(podWith({ annotations: most }), LAB).annotations).toEqual(most);
    expect(targetFacts(podWith({ annotations: more }), LAB).annotations).toBeNull();
    expect(targetFacts(POD, namespaceFacts({ annotations: more }))).toMatchObject({
      namespaceLabels: {},
      namespaceAnnotations: null,
    });
    const labels = Object.fromEntries(
      Array.from({ length: 600 }, (_, i) => [`${'p'.repeat(60)}/${i}`, 'v'.repeat(63)]),
    );
    expect(targetFacts(podWith({ labels }), LAB).labels).toBeNull();
  });

  it('leave no copy of the object beside a decision, however large it is', () => {
    const annotations = {
      'kubectl.kubernetes.io/last-applied-configuration': 'x'.repeat(MARKS_BYTES_MAX * 2),
      team: 'payments',
    };
    const facts = targetFacts(podWith({ annotations }), LAB);
    expect(facts.annotations).toEqual({ team: 'payments' });
  });

  it('can be hashed and stored, whatever is in an annotation', () => {
    const annotations = { note: 'a\u0000b\ud800c\u202ed' };
    const facts = targetFacts(podWith({ annotations }), LAB);
    expect(facts.annotations).toEqual({ note: 'ab\ufffdcd' });
    expect(canonicalJson(facts)).toContain('ab\ufffdcd');
  });
});
