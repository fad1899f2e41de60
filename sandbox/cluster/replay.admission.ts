import { expect } from 'vitest';
import { HttpRecording, normalise, read, StreamRecording } from './recording.js';
import type { Replay } from './replay.http.js';
import { Lab } from './replay.lab.js';

/** The policy that was in force when these were recorded, as the folder's README describes it. */
const POLICY = `
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: { name: lab-only-broker }
spec:
  matchConstraints:
    resourceRules:
      - { apiGroups: [''], apiVersions: [v1], operations: [UPDATE], resources: [pods/ephemeralcontainers] }
      - { apiGroups: [''], apiVersions: [v1], operations: [CONNECT], resources: [pods/exec, pods/attach] }
  variables:
    - name: isBroker
      expression: "request.userInfo.username == 'system:serviceaccount:lab:broker'"
  validations:
    - expression: "request.operation != 'UPDATE' || variables.isBroker"
      message: ephemeral containers are added by the debug-access broker only
    - expression: "request.operation != 'CONNECT' || !object.container.startsWith('dbg-') || variables.isBroker"
      message: debug containers are entered through the debug-access broker only
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: { name: lab-only-broker }
spec: { policyName: lab-only-broker, validationActions: [Deny] }
`;

/** Somebody who is not the broker, with the rights that RBAC would have them need. */
const stranger = {
  namespace: 'lab',
  name: 'stranger',
  rules: [
    { apiGroups: [''], resources: ['pods/ephemeralcontainers'], verbs: ['patch'] },
    { apiGroups: [''], resources: ['pods/exec', 'pods/attach'], verbs: ['get', 'create'] },
  ],
};

const denied =
  (ask: (lab: Lab, token: string, file: string) => Promise<void>): Replay =>
  async (file) => {
    const lab = await Lab.start(['web']);
    try {
      const token = lab.cluster.addServiceAccount(stranger);
      lab.cluster.admission.use(POLICY);
      await ask(lab, token, file);
    } finally {
      await lab.close();
    }
  };

const byUpgrade = denied(async (lab, token, file) => {
  const { request, response } = read(file, StreamRecording);
  const { path, offeredSubprotocols: protocols } = request;
  const trial = await lab.client.stream({ path, token, protocols });
  expect(trial.response?.status).toBe(response?.status);
  expect(trial.response?.body).toEqual(response?.body);
});

const byPatch = denied(async (lab, token, file) => {
  const { request, response } = read(file, HttpRecording);
  const { method, path, contentType, body } = request;
  const answer = await lab.client.send({ method, path, contentType, body, token });
  expect(answer.status).toBe(response.status);
  expect(normalise(answer.body)).toEqual(normalise(response.body));
});

export const admissionReplays: Readonly<Record<string, Replay>> = {
  'admission/vap-attach-denied.json': byUpgrade,
  'admission/vap-ephemeral-denied.json': byPatch,
  'admission/vap-exec-denied.json': byUpgrade,
};
