import { expect } from 'vitest';
import { normalise, read, StreamRecording } from './recording.js';
import type { Replay } from './replay.http.js';
import { Lab } from './replay.lab.js';
import type { Frame, StreamTrial, Talk } from './raw.client.js';
import { setTimeout as delay } from 'node:timers/promises';

const sleeper = 'sleep-mwtwb22a';
const terminal = 'tty-mwtwb22a';

type Frames = StreamRecording['frames'];

/** Plays the recorded client: the same frames, with the recorded pauses between them. */
async function asRecorded(frames: Frames, talk: Talk): Promise<void> {
  let at = 0;
  for (const frame of frames.filter((f) => f.from === 'client')) {
    await delay(frame.atMs - at);
    at = frame.atMs;
    if (frame.close === true) talk.close();
    else talk.send(frame.channel ?? 0, frame.text ?? '');
  }
}

async function play(
  lab: Lab,
  recording: StreamRecording,
  onOpen = (talk: Talk) => asRecorded(recording.frames, talk),
): Promise<StreamTrial> {
  const { path, offeredSubprotocols } = recording.request;
  return lab.client.stream({ path, token: lab.token(), protocols: offeredSubprotocols }, onOpen);
}

/** All text of one output channel; how the server cut it into frames is its own affair. */
function output(frames: readonly Frame[] | Frames, channel: number): string {
  return frames
    .filter((frame) => frame.from === 'server' && frame.channel === channel)
    .map((frame) => frame.text ?? '')
    .join('');
}

function outcome(frames: readonly Frame[] | Frames): unknown {
  const status = output(frames, 3);
  const last = frames[frames.length - 1];
  return {
    first: frames.find((frame) => frame.from === 'server' || frame.error !== undefined)?.channel,
    status: status === '' ? undefined : normalise(JSON.parse(status)),
    closed: last?.closed,
    error: frames.find((frame) => frame.error !== undefined)?.error,
  };
}

/** Sub-protocol, first frame, what each channel carried, the final Status, the close code. */
function expectSame(trial: StreamTrial, recording: StreamRecording): void {
  expect(trial.acceptedSubprotocol).toBe(recording.acceptedSubprotocol);
  expect(outcome(trial.frames)).toEqual(outcome(recording.frames));
  for (const channel of [1, 2]) {
    expect(output(trial.frames, channel)).toBe(output(recording.frames, channel));
  }
}

/**
 * A terminal's lines without what belongs to the shell that happens to be there: escape sequences, banner, prompt.
 */
function screen(text: string): string[] {
  return text
    .replace(/\u001b\[[0-9;?]*[A-Za-z]/g, '')
    .split(/[\r\n]+/)
    .map((line) => line.replace(/^(?:\/ # ?|[\w.@:~/-]*[#$] ?)/, ''))
    .filter((line) => line !== '' && !/^BusyBox v|^Enter 'help'/.test(line));
}

/** As expectSame, but of the terminal's lines only that the recorded ones are there, in order. */
function expectSameScreen(trial: StreamTrial, recording: StreamRecording): void {
  expect(trial.acceptedSubprotocol).toBe(recording.acceptedSubprotocol);
  expect(outcome(trial.frames)).toEqual(outcome(recording.frames));
  const seen = screen(output(trial.frames, 1));
  let from = 0;
  for (const line of screen(output(recording.frames, 1))) {
    const at = seen.findIndex((other, i) => i >= from && other.includes(line));
    expect(at, `${JSON.stringify(line)} in ${JSON.stringify(seen)}`).toBeGreaterThanOrEqual(from);
    from = at;
  }
}

async function withSleeper(lab: Lab): Promise<void> {
  if (lab.cluster.parts.kubelet.process(lab.pod('web'), sleeper) !== undefined) return;
  await lab.running(lab.busybox(sleeper, ['/bin/sleep', '600']));
}

const inSleeper =
  (compare: typeof expectSame): Replay =>
  async (file, lab) => {
    await withSleeper(lab);
    const recording = read(file, StreamRecording);
    compare(await play(lab, recording), recording);
  };

/** A refusal before the upgrade: status, content type, body. */
function refused(arrange: (lab: Lab) => Promise<void> = withSleeper, identity?: string): Replay {
  return async (file, lab) => {
    await arrange(lab);
    const recording = read(file, StreamRecording);
    const { path, offeredSubprotocols: protocols } = recording.request;
    const trial = await lab.client.stream({ path, token: lab.token(identity), protocols });
    expect(trial.frames.filter((frame) => frame.closed === undefined)).toEqual(recording.frames);
    expect(trial.response?.status).toBe(recording.response?.status);
    expect(trial.response?.body).toEqual(recording.response?.body);
    const type = recording.response?.headers['content-type'];
    expect(trial.response?.headers['content-type']).toBe(type);
  };
}

function own(
  run: (lab: Lab, recording: StreamRecording) => Promise<void>,
  pod: 'web' | 'gone' = 'web',
): Replay {
  return async (file) => {
    const lab = await Lab.start([pod]);
    try {
      await run(lab, read(file, StreamRecording));
    } finally {
      await lab.close();
    }
  };
}

const withTerminal = (lab: Lab) =>
  lab.running(lab.busybox(terminal, ['/bin/sh'], { stdin: true, tty: true }));

/** The terminal of attach-tty-exit, ended. */
const terminalEnded = async (lab: Lab) => {
  await lab.addEphemeral(lab.busybox(terminal, ['/bin/sh', '-c', 'exit 3'], { tty: true }));
  await lab.untilEphemeral(terminal, (s) => s.state.terminated !== undefined);
};

async function until(talk: Talk, text: string): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!screen(output(talk.frames, 1)).includes(text)) {
    if (Date.now() > deadline) throw new Error(`no ${text} in ${output(talk.frames, 1)}`);
    await delay(20);
  }
}

/** A Pod deleted while somebody is in: the shell is killed, the stream says 137. */
const podDeleted = own(async (lab, recording) => {
  const main = 'trap "exit 143" TERM; while :; do sleep 0.1; done';
  await lab.running(lab.busybox('dbg-mwtymxra', ['/bin/sh', '-c', main]), 'gone');
  const trial = await play(lab, recording, async (talk) => {
    await asRecorded(recording.frames, talk);
    await until(talk, 'in');
    lab.cluster.deletePod('lab', 'gone');
  });
  expectSameScreen(trial, recording);
}, 'gone');

/**
 * The recorder tried to kill the main process from a second exec, which PID 1 of its own namespace ignores, and cut the
 * stream after six seconds: what is held to is that the shell answers and nothing but the client ends it.
 */
const outlived: Replay = async (file, lab) => {
  await withSleeper(lab);
  const recording = read(file, StreamRecording);
  const trial = await play(lab, recording, async (talk) => {
    await asRecorded(recording.frames, talk);
    await until(talk, 'alive');
    talk.cut();
  });
  expectSameScreen(trial, recording);
};

/** What `ps` prints is this machine's; that PID 1 survived both signals is not. */
const killMain: Replay = async (file, lab) => {
  await withSleeper(lab);
  const trial = await play(lab, read(file, StreamRecording));
  expect(trial.frames.at(-1)?.closed).toEqual({ code: 1000, reason: '' });
  expect(lab.cluster.parts.kubelet.process(lab.pod('web'), sleeper)).toBeDefined();
};

/** A timer as main process ends; everything the user left running goes with it, and his stream says 137. */
const deadline = (name: string, more: Record<string, unknown>) =>
  own(async (lab, recording) => {
    const timer = ['/bin/sh', '-c', 'read -t $0 x; exit 0', '2'];
    await lab.running(lab.busybox(name, timer, { stdin: true, ...more }));
    const trial = await play(lab, recording);
    expect(outcome(trial.frames)).toEqual(outcome(recording.frames));
  });

/** The application's own lines carry the time. */
const ticks: Replay = async (file, lab) => {
  const recording = read(file, StreamRecording);
  const trial = await play(lab, recording);
  expect(trial.acceptedSubprotocol).toBe(recording.acceptedSubprotocol);
  expect(outcome(trial.frames)).toEqual(outcome(recording.frames));
  const form = (frames: readonly Frame[] | Frames) => output(frames, 1).replace(/\d+/g, 'N');
  expect(form(trial.frames)).toBe(form(recording.frames));
};

export const streamReplays: Readonly<Record<string, Replay>> = {
  'admission/vap-exec-app-container-allowed.json': ticks,
  'admission/vap-exec-broker-allowed.json': own(async (lab, recording) => {
    await lab.running(lab.busybox('dbg-vmwtwksh7', ['/bin/sleep', '600']));
    expectSame(await play(lab, recording), recording);
  }),
  'ending/deadline-own-user-stream.json': deadline('a-own-mwtwdnew', {}),
  'ending/deadline-target-user-stream.json': deadline('a-target-mwtwdnew', {
    targetContainerName: 'app',
  }),
  'stream/attach-terminated.json': own(async (lab) => {
    await terminalEnded(lab);
    await refused()('stream/attach-terminated.json', lab);
  }),
  'stream/attach-tty-exit.json': own(async (lab, recording) => {
    await withTerminal(lab);
    expectSameScreen(await play(lab, recording), recording);
  }),
  'stream/attach-tty.json': own(async (lab, recording) => {
    await withTerminal(lab);
    expectSameScreen(await play(lab, recording), recording);
  }),
  'stream/attach-waiting.json': own(async (lab) => {
    await lab.addEphemeral({ name: 'pull-mwtwb22a', image: '127.0.0.1:1/absent:1' });
    await refused()('stream/attach-waiting.json', lab);
  }),
  'stream/exec-command-not-found.json': inSleeper(expectSame),
  'stream/exec-container-missing.json': refused(),
  'stream/exec-exit-zero.json': inSleeper(expectSame),
  'stream/exec-kill-main.json': killMain,
  'stream/exec-no-command.json': inSleeper(expectSame),
  'stream/exec-no-subprotocol.json': inSleeper((trial, recording) =>
    expect(outcome(trial.frames)).toEqual(outcome(recording.frames)),
  ),
  'stream/exec-no-tty.json': inSleeper(expectSame),
  'stream/exec-pod-missing.json': refused(),
  'stream/exec-rbac-denied.json': refused(undefined, 'a service account without rights'),
  'stream/exec-terminated.json': own(async (lab) => {
    await terminalEnded(lab);
    await refused()('stream/exec-terminated.json', lab);
  }),
  'stream/exec-tty.json': inSleeper(expectSameScreen),
  'stream/exec-unknown-subprotocol.json': refused(),
  'stream/exec-v1-channel.json': inSleeper(expectSame),
  'stream/exec-v4.json': inSleeper(expectSame),
  'stream/exec-when-main-dies.json': outlived,
  'stream/exec-when-pod-deleted.json': podDeleted,
};
