/**
 * The streams of exec and attach on a WebSocket: the first byte of each binary frame says of which stream the rest is
 * (K8s remotecommand `v5.channel.k8s.io`; measured: test/kubernetes-1.36/stream).
 */
export const CHANNEL = {
  stdin: 0,
  stdout: 1,
  stderr: 2,
  status: 3,
  resize: 4,
  /** v5: the next byte is the channel on which the client sends no more. */
  close: 255,
} as const;

/** In order of preference. Under v4 a single stream cannot be closed. */
export const CHANNEL_PROTOCOLS = ['v5.channel.k8s.io', 'v4.channel.k8s.io'] as const;
