import type { StreamProtocol } from './channel.frames.js';

/** How a stream ended. */
export type StreamEnding =
  /** The process of an exec has ended; `command` is what was asked to run. */
  | { kind: 'exited'; exitCode: number; command: readonly string[] }
  /** The main process that was attached to has ended: with whatever code, that is a success. */
  | { kind: 'detached' }
  /** There was nothing to run or to attach to: the kubelet's sentence. */
  | { kind: 'failed'; message: string };

/**
 * What the status channel carries at the end; undefined where it carries nothing. Under v5 it is the API server that
 * speaks, having read the kubelet's Status, under the others the kubelet itself: their sentences differ (measured:
 * test/kubernetes-1.36/stream/exec-no-tty.json, exec-v4.json, exec-command-not-found.json, exec-v1-channel.json).
 */
export function finalStatus(protocol: StreamProtocol, ending: StreamEnding): string | undefined {
  const status = statusOf(protocol, ending);
  if (protocol !== 'channel.k8s.io') return JSON.stringify(status);
  return status.status === 'Success' ? undefined : status.message;
}

type Status =
  | { metadata: object; status: 'Success' }
  | {
      metadata: object;
      status: 'Failure';
      message: string;
      reason: 'NonZeroExitCode' | 'InternalError';
      details: { causes: { reason?: 'ExitCode'; message: string }[] };
      code?: 500;
    };

function statusOf(protocol: StreamProtocol, ending: StreamEnding): Status {
  const isTranslated = protocol === 'v5.channel.k8s.io';
  if (ending.kind === 'failed') {
    return internalError(isTranslated ? internalMessage(ending.message) : ending.message);
  }
  if (ending.kind === 'detached' || ending.exitCode === 0) {
    return { metadata: {}, status: 'Success' };
  }
  const { exitCode, command } = ending;
  const said = isTranslated
    ? `command terminated with exit code ${exitCode}`
    : `error executing command [${command.join(' ')}], exit code ${exitCode}`;
  return {
    metadata: {},
    status: 'Failure',
    message: `command terminated with non-zero exit code: ${said}`,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: `${exitCode}` }] },
  };
}

function internalError(cause: string): Status {
  return {
    metadata: {},
    status: 'Failure',
    message: internalMessage(cause),
    reason: 'InternalError',
    details: { causes: [{ message: cause }] },
    code: 500,
  };
}

const internalMessage = (cause: string): string => `Internal error occurred: ${cause}`;
