import { expect } from 'vitest';
import { isObject } from './json.value.js';
import { HttpRecording, normalise, read, WatchRecording } from './recording.js';
import type { Replay } from './replay.http.js';
import { Lab, type LabPod, untilSpoken } from './replay.lab.js';
import type { Watching } from './raw.client.js';

/** A watch that needs no arrangement: opened as recorded until it has shown as many events, or has ended. */
const asIs: Replay = async (file, lab) => {
  const recording = read(file, WatchRecording);
  const watch = await lab.client.watch({ path: recording.request.path, token: lab.token() });
  expect(watch.status).toBe(recording.status);
  if (recording.events.length > 0) {
    await watch.until((lines) => lines.length >= recording.events.length);
    watch.stop();
  } else await watch.ended;
  expect(watch.lines.map(({ line }) => normalise(line))).toEqual(
    recording.events.map(({ line }) => normalise(line)),
  );
};

/** The server itself ends the watch after the error. */
const expired: Replay = async (file, lab) => {
  await asIs(file, lab);
  const watch = await lab.client.watch({
    path: read(file, WatchRecording).request.path,
    token: lab.token(),
  });
  await watch.ended;
};

/** Watches a Pod from now on, as the recording did from its own then. */
async function watchFromNow(lab: Lab, path: string): Promise<Watching> {
  const [base = '', query = ''] = path.split('?');
  const parameters = new URLSearchParams(query);
  parameters.set('resourceVersion', lab.version());
  return lab.client.watch({ path: `${base}?${parameters.toString()}`, token: lab.token() });
}

/** Whole Pods, from the PATCH to running: every field of every event. */
const startToRunning: Replay = async (file) => {
  const lab = await Lab.start(['web']);
  try {
    const recording = read(file, WatchRecording);
    const watch = await watchFromNow(lab, recording.request.path);
    const { request } = read('patch/created.json', HttpRecording);
    await lab.client.send({
      method: 'PATCH',
      path: request.path,
      contentType: request.contentType,
      token: lab.token(),
      body: request.body,
    });
    await watch.until((lines) => lines.length >= recording.events.length);
    watch.stop();
    expect(watch.lines.map(({ line }) => normalise(line))).toEqual(
      recording.events.map(({ line }) => normalise(line)),
    );
  } finally {
    await lab.close();
  }
};

/** What the recorder of lifecycles kept of each event. */
function digest(line: unknown): unknown {
  if (!isObject(line) || !isObject(line['object'])) return line;
  const { metadata, status } = line['object'];
  if (!isObject(status) || !isObject(metadata)) return line;
  return {
    type: line['type'],
    phase: status['phase'],
    ephemeralContainerStatuses: status['ephemeralContainerStatuses'] ?? [],
  };
}

function recorded(line: Record<string, unknown>): unknown {
  const { type, phase, ephemeralContainerStatuses } = line;
  return { type, phase, ephemeralContainerStatuses };
}

/** Phases and statuses of an ephemeral container from PATCH to its last state, in order. */
function lifecycle(pod: LabPod, also?: (event: unknown) => boolean): Replay {
  return async (file) => {
    const lab = await Lab.start([pod]);
    try {
      const { request, ephemeralContainer, events } = read(file, WatchRecording);
      const watch = await watchFromNow(lab, request.path);
      await lab.addEphemeral(ephemeralContainer ?? {}, pod);
      const wanted = events.map(({ line }) => normalise(recorded(line)));
      const seen = () =>
        watch.lines
          .map(({ line }) => normalise(digest(line)))
          .filter((event) => also?.(event) !== true);
      await watch.until(() => seen().length >= wanted.length);
      watch.stop();
      expect(seen().slice(0, wanted.length)).toEqual(wanted);
    } finally {
      await lab.close();
    }
  };
}

/**
 * ErrImagePull comes before ImagePullBackOff; the recording's kubelet was busy and told only the latter (get/pod.json
 * has the former). That one state is passed over.
 */
const isErrImagePull = (event: unknown) =>
  JSON.stringify(event).includes('"reason":"ErrImagePull"');

/** A scheduled Pod that never comes: the PATCH is told, and then nothing more. */
const nothingFollows: Replay = async (file) => {
  const lab = await Lab.start(['pending', 'web']);
  try {
    const { request, ephemeralContainer, events } = read(file, WatchRecording);
    const watch = await watchFromNow(lab, request.path);
    await lab.addEphemeral(ephemeralContainer ?? {}, 'pending');
    // By the time another Pod's container has come and gone, this one would have moved if it could.
    await lab.addEphemeral(lab.busybox('other', ['/bin/true']), 'web');
    await lab.untilEphemeral('other', (s) => s.state.terminated !== undefined);
    watch.stop();
    expect(watch.lines.map(({ line }) => normalise(digest(line)))).toEqual(
      events.map(({ line }) => normalise(recorded(line))),
    );
  } finally {
    await lab.close();
  }
};

/** Only state, phase and deletion were recorded here; of a running container only when it started. */
function deletion(line: unknown): unknown {
  if (!isObject(line)) return line;
  const object = isObject(line['object']) ? line['object'] : undefined;
  const status = isObject(object?.['status']) ? object['status'] : line;
  const metadata = isObject(object?.['metadata']) ? object['metadata'] : line;
  const states = (list: unknown) =>
    (Array.isArray(list) ? list : [])
      .filter(isObject)
      .map(({ name, state }) => ({ name, state: normalise(state) }));
  return {
    type: line['type'],
    deleting: metadata['deletionTimestamp'] !== undefined,
    phase: status['phase'],
    containers: states(status['containerStatuses']),
    ephemeral: states(status['ephemeralContainerStatuses']),
  };
}

const podDeleted: Replay = async (file) => {
  const lab = await Lab.start(['gone']);
  try {
    const { request, events } = read(file, WatchRecording);
    const untilTerm = 'trap "exit 143" TERM; echo ready; while :; do sleep 0.1; done';
    await lab.running(lab.busybox('dbg-mwtymxra', ['/bin/sh', '-c', untilTerm]), 'gone');
    for (const container of ['app', 'dbg-mwtymxra']) {
      await untilSpoken(lab.cluster.parts.kubelet.latest(lab.pod('gone'), container));
    }
    const watch = await watchFromNow(lab, request.path);
    lab.cluster.deletePod('lab', 'gone');
    await watch.until((lines) => lines.length >= events.length);
    watch.stop();
    expect(watch.lines.map(({ line }) => deletion(line))).toEqual(
      events.map(({ line }) => deletion(line)),
    );
  } finally {
    await lab.close();
  }
};

export const watchReplays: Readonly<Record<string, Replay>> = {
  'watch/bookmarks.json': asIs,
  'watch/start-to-running.json': startToRunning,
  'watch/timeout.json': asIs,
  'watch/too-old.json': expired,
  'lifecycle/command-not-found.json': lifecycle('web'),
  'lifecycle/exits-seven.json': lifecycle('web'),
  'lifecycle/exits-zero.json': lifecycle('web'),
  'lifecycle/image-never-pull.json': lifecycle('web'),
  'lifecycle/image-pull-fails.json': lifecycle('web', isErrImagePull),
  'lifecycle/pod-pending.json': nothingFollows,
  'lifecycle/pod-deleted-under-session.json': podDeleted,
};
