import { expect } from 'vitest';
import { isObject } from './json.value.js';
import { HttpRecording, normalise, read } from './recording.js';
import { Lab, untilSpoken } from './replay.lab.js';

/** How one recording is replayed: in the lab all refusals share, or in one of its own. */
export type Replay = (file: string, shared: Lab) => Promise<void>;

async function ask(lab: Lab, { request }: HttpRecording, identity = request.identity) {
  return lab.client.send({
    method: request.method,
    path: request.path,
    contentType: request.contentType,
    token: lab.token(identity),
    body: request.body,
  });
}

/** Sends the recorded request and compares status, content type, Retry-After and the whole body. */
async function same(lab: Lab, recording: HttpRecording, identity?: string): Promise<void> {
  const { response } = recording;
  const answer = await ask(lab, recording, identity);
  expect(normalise(answer.body)).toEqual(normalise(response.body));
  expect(answer.status).toBe(response.status);
  for (const name of ['content-type', 'retry-after']) {
    expect(answer.headers[name]).toBe(response.headers[name]);
  }
}

const shared: Replay = (file, lab) => same(lab, read(file, HttpRecording));

function own(arrange: (lab: Lab) => Promise<void>, pods: Parameters<typeof Lab.start>[0]): Replay {
  return async (file) => {
    const lab = await Lab.start(pods, { backOffMs: 60_000, futureVersionMs: 50 });
    try {
      await arrange(lab);
      await same(lab, read(file, HttpRecording));
    } finally {
      await lab.close();
    }
  };
}

const nothing = () => Promise.resolve();
const debugged = async (lab: Lab) => {
  const { request } = read('patch/created.json', HttpRecording);
  const created = isObject(request.body) ? request.body : {};
  const spec = created['spec'];
  const list = isObject(spec) ? spec['ephemeralContainers'] : undefined;
  const container: unknown = Array.isArray(list) ? list[0] : undefined;
  if (!isObject(container)) throw new Error('patch/created.json holds no container');
  await lab.addEphemeral(container);
  await lab.untilEphemeral('dbg-mwtw8um0', (s) => s.state.running !== undefined);
};

/** The six containers web had when get/pod.json was read, in the order they were added. */
async function sixContainers(lab: Lab): Promise<void> {
  await debugged(lab);
  await lab.addEphemeral(lab.busybox('z-mwtw8um0', ['/bin/true']));
  await lab.addEphemeral(lab.busybox('s7-mwtw8um0', ['/bin/sh', '-c', 'exit 7']));
  await lab.addEphemeral(lab.busybox('nf-mwtw8um0', ['/no/such']));
  const interactive = { command: ['/bin/sh'], stdin: true, tty: true };
  const absent = 'docker.io/library/absent:1';
  const unpullable = '127.0.0.1:1/absent:1';
  await lab.addEphemeral({
    name: 'ip-mwtw8um0',
    image: absent,
    imagePullPolicy: 'Never',
    ...interactive,
  });
  await lab.addEphemeral({
    name: 'if-mwtw8um0',
    image: unpullable,
    imagePullPolicy: 'Always',
    ...interactive,
  });
  await lab.untilEphemeral('z-mwtw8um0', (s) => s.state.terminated !== undefined);
  await lab.untilEphemeral('s7-mwtw8um0', (s) => s.state.terminated !== undefined);
  await lab.untilEphemeral('nf-mwtw8um0', (s) => s.lastState.terminated !== undefined);
  await lab.untilEphemeral('ip-mwtw8um0', (s) => s.state.waiting?.reason === 'ErrImageNeverPull');
  await lab.untilEphemeral('if-mwtw8um0', (s) => s.state.waiting?.reason === 'ErrImagePull');
}

/** Discovery lists fewer rows than the real one: each one served must equal the recorded row but for its verbs. */
const discovery: Replay = async (file, lab) => {
  const recording = read(file, HttpRecording);
  const answer = await ask(lab, recording);
  expect(answer.status).toBe(recording.response.status);
  const [real, served] = [recording.response.body, answer.body];
  if (!isObject(real) || !isObject(served)) throw new Error('discovery is no object');
  const field = 'groups' in real ? 'groups' : 'resources';
  const rows = (document: Record<string, unknown>) => {
    const list = document[field];
    return (Array.isArray(list) ? list : []).filter(isObject);
  };
  expect({ ...served, [field]: null }).toEqual({ ...real, [field]: null });
  expect(rows(served).length).toBeGreaterThan(0);
  for (const { verbs, ...row } of rows(served)) {
    const same = rows(real).find((other) => other['name'] === row['name']);
    const { verbs: realVerbs, ...realRow } = same ?? {};
    expect(row).toEqual(realRow);
    if (Array.isArray(verbs)) expect(realVerbs).toEqual(expect.arrayContaining(verbs));
  }
};

/** The words of a log differ from run to run: status, type and the form of each line are compared. */
const log: Replay = async (file, lab) => {
  const recording = read(file, HttpRecording);
  await untilSpoken(lab.cluster.parts.kubelet.latest(lab.pod('web'), 'app'));
  const answer = await ask(lab, recording);
  expect(answer.status).toBe(recording.response.status);
  expect(answer.headers['content-type']).toBe(recording.response.headers['content-type']);
  expect(String(answer.body)).toMatch(/^(tick \d+\n)+$/);
};

const listed: Replay = async (file) => {
  const lab = await Lab.start(['web', 'done', 'pending']);
  try {
    const first = await lab.client.send({
      method: 'PATCH',
      path: '/api/v1/namespaces/lab/pods/done/ephemeralcontainers',
      contentType: 'application/strategic-merge-patch+json',
      token: lab.token(),
      body: read('patch/pod-completed.json', HttpRecording).request.body,
    });
    expect(first.status).toBe(200);
    const recording = read(file, HttpRecording);
    const answer = await ask(lab, recording);
    expect(withoutToken(normalise(answer.body))).toEqual(
      withoutToken(normalise(recording.response.body)),
    );
  } finally {
    await lab.close();
  }
};

/** A continue token holds a resourceVersion: what it is made of is compared, not its bytes. */
function withoutToken(list: unknown): unknown {
  if (!isObject(list) || !isObject(list['metadata'])) return list;
  const token = String(list['metadata']['continue']);
  const inside: unknown = JSON.parse(Buffer.from(token, 'base64url').toString());
  const parts = isObject(inside) ? { ...inside, rv: '<version>' } : inside;
  return { ...list, metadata: { ...list['metadata'], continue: parts } };
}

export const httpReplays: Readonly<Record<string, Replay>> = {
  'get/deployments-rbac-denied.json': shared,
  'get/discovery-api-v1.json': discovery,
  'get/discovery-api.json': shared,
  'get/discovery-apis-apps-v1.json': discovery,
  'get/discovery-apis.json': discovery,
  'get/discovery-version.json': shared,
  'get/list-bad-selector.json': shared,
  'get/list-future-resource-version.json': shared,
  'get/list-limit.json': listed,
  'get/list-malformed-resource-version.json': shared,
  'get/logs-app.json': log,
  'get/logs-container-missing.json': shared,
  'get/pod-missing.json': shared,
  'get/pod.json': own(sixContainers, ['web']),
  'get/self-subject-access-review.json': shared,
  'patch/anonymous.json': shared,
  'patch/bad-name.json': shared,
  'patch/created.json': own(nothing, ['web']),
  'patch/dry-run.json': own(nothing, ['web']),
  'patch/forbidden-ports.json': shared,
  'patch/forbidden-probe.json': shared,
  'patch/forbidden-resources.json': shared,
  'patch/malformed-json.json': shared,
  'patch/name-of-app-container.json': shared,
  'patch/namespace-missing.json': shared,
  'patch/no-image.json': shared,
  'patch/pod-completed.json': own(nothing, ['done']),
  'patch/pod-missing.json': shared,
  'patch/pod-pending.json': own(nothing, ['pending']),
  'patch/pod-security-denied.json': shared,
  'patch/pod-security-restricted-ok.json': own(nothing, ['tight']),
  'patch/rbac-denied.json': shared,
  'patch/remove.json': own(debugged, ['web']),
  'patch/same-again.json': own(debugged, ['web']),
  'patch/same-name-changed.json': own(debugged, ['web']),
  'patch/stale-resource-version.json': shared,
  'patch/target-missing.json': shared,
  // The recorder's label names an account; what it sent was a token nobody knows.
  'patch/unauthorized.json': (file, lab) =>
    same(lab, read(file, HttpRecording), 'an unknown token'),
  'patch/unknown-field-strict.json': shared,
  'patch/wrong-content-type.json': shared,
  'patch/wrong-uid.json': shared,
  'stream/exec-plain-http.json': async (file, lab) => {
    await lab
      .addEphemeral(lab.busybox('sleep-mwtwb22a', ['/bin/sleep', '600']))
      .catch(() => undefined);
    await same(lab, read(file, HttpRecording));
  },
  'watch/forbidden.json': shared,
};
