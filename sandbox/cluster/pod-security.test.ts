import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isObject } from './json.value.js';
import { Lab } from './replay.lab.js';

let lab: Lab;
beforeAll(async () => {
  lab = await Lab.start([]);
  const label = 'pod-security.kubernetes.io/enforce';
  lab.cluster.addNamespace('base', { [label]: 'baseline' });
  lab.cluster.addNamespace('versioned', { [label]: 'baseline', [`${label}-version`]: 'v1.30' });
});
afterAll(() => lab.close());

async function create(namespace: string, container: object, pod: object = {}) {
  const { status, body } = await lab.client.send({
    method: 'POST',
    path: `/api/v1/namespaces/${namespace}/pods`,
    contentType: 'application/json',
    token: lab.token('admin'),
    body: {
      metadata: { generateName: 'p-' },
      spec: {
        containers: [{ name: 'app', image: 'docker.io/library/app:1', ...container }],
        ...pod,
      },
    },
  });
  const message = isObject(body) && typeof body['message'] === 'string' ? body['message'] : '';
  return { status, why: message.replace(/^.*violates PodSecurity "\w+:latest": /, '') };
}

describe('Pod Security', () => {
  it('baseline refuses privileges and capabilities beyond the default, and host namespaces', async () => {
    expect(await create('base', {})).toEqual({ status: 201, why: '' });
    const capabilities = { add: ['SYS_PTRACE', 'KILL'] };
    expect((await create('base', { securityContext: { capabilities } })).why).toBe(
      'non-default capabilities (container "app" must not include "SYS_PTRACE" in securityContext.capabilities.add)',
    );
    expect((await create('base', {}, { hostPID: true, hostNetwork: true })).why).toBe(
      'host namespaces (hostNetwork=true, hostPID=true)',
    );
  });

  it('restricted names everything that is missing', async () => {
    const { status, why } = await create('lab-restricted', {});
    expect(status).toBe(403);
    expect(why).toBe(
      'allowPrivilegeEscalation != false (container "app" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "app" must set securityContext.capabilities.drop=["ALL"]), runAsNonRoot != true (pod or container "app" must set securityContext.runAsNonRoot=true), seccompProfile (pod or container "app" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
    );
  });

  it('what is not checked is 501, not allowed', async () => {
    expect((await create('versioned', {})).status).toBe(501);
    const securityContext = { procMount: 'Unmasked' };
    expect((await create('base', { securityContext })).status).toBe(501);
  });
});
