import { z } from 'zod';
import { stderrChannel, stdoutChannel } from './process.streams.js';

/** What the first byte of a binary frame says the rest is for (measured: test/kubernetes-1.36/stream). */
export const channels = {
  stdin: 0,
  stdout: stdoutChannel,
  stderr: stderrChannel,
  status: 3,
  resize: 4,
  /** v5 only: the next byte is the channel that the client will write no more to. */
  close: 255,
} as const;

/** In the order of what they can do. The last, the oldest, has no Status: it says failures as text. */
export const streamProtocols = [
  'v5.channel.k8s.io',
  'v4.channel.k8s.io',
  'channel.k8s.io',
] as const;
export type StreamProtocol = (typeof streamProtocols)[number];

export type ClientFrame =
  | { kind: 'input'; bytes: Buffer }
  | { kind: 'resize'; columns: number; rows: number }
  | { kind: 'end-of-input' }
  /** Empty, for a channel that takes nothing from clients, or a size that is none. */
  | { kind: 'nothing' }
  /** The server hangs up. */
  | { kind: 'violation' };

// `{"Width":100,"Height":40}`, in the bounds of Go's uint16; a terminal of no size is not set (pkg/kubelet/cri/streaming).
const Side = z.number().int().min(1).max(65_535);
const Size = z
  .string()
  .transform((text, context) => {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      context.addIssue({ code: 'custom', message: 'not JSON' });
      return z.NEVER;
    }
  })
  .pipe(z.object({ Width: Side, Height: Side }));

export function makeFrame(channel: number, payload: Buffer | string): Buffer {
  return Buffer.concat([
    Buffer.of(channel),
    typeof payload === 'string' ? Buffer.from(payload) : payload,
  ]);
}

/** What a frame means as the real server reads it (staging/src/k8s.io/streaming/pkg/httpstream/wsstream/conn.go). */
export function readFrame(protocol: StreamProtocol, frame: Buffer): ClientFrame {
  const channel = frame[0];
  const payload = frame.subarray(1);
  if (channel === channels.stdin) return { kind: 'input', bytes: payload };
  if (channel === channels.resize) return readSize(payload);
  if (channel === channels.close && protocol === 'v5.channel.k8s.io') return readClosing(payload);
  return { kind: 'nothing' };
}

function readSize(payload: Buffer): ClientFrame {
  const { data } = Size.safeParse(payload.toString());
  if (data === undefined) return { kind: 'nothing' };
  return { kind: 'resize', columns: data.Width, rows: data.Height };
}

function readClosing(payload: Buffer): ClientFrame {
  const [closed] = payload;
  if (closed === undefined || payload.length !== 1 || closed > channels.resize) {
    return { kind: 'violation' };
  }
  return { kind: closed === channels.stdin ? 'end-of-input' : 'nothing' };
}
