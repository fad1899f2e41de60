import type { LogEntry } from './output.log.js';

/** What a container is to be. The image is only a name: it decides what `/bin/sh` is (see shells.ts). */
export interface ContainerSpec {
  /** Unique among the containers of one runtime that are alive. */
  id: string;
  image: string;
  command: string[];
  env: Record<string, string>;
  stdin: boolean;
  tty: boolean;
  /** 0 when absent. */
  runAsUser?: number;
  /** Nothing but /dev can be written to; false when absent. */
  readOnlyRoot?: boolean;
  /** Runtime id of the container whose PID namespace is shared (`targetContainerName`). */
  sharePidWith?: string;
}

export interface ContainerExit {
  /** 128 + the signal's number when a signal ended the main process, as containerd reports it. */
  exitCode: number;
  reason: 'Completed' | 'Error' | 'StartError';
  message?: string;
  startedAt: Date;
  finishedAt: Date;
}

export interface RunningContainer {
  readonly id: string;
  readonly startedAt: Date;
  /** Resolves once the main process is gone and with it everything that was in the container. Never rejects. */
  readonly exited: Promise<ContainerExit>;
  /** The end of what the main process wrote, standard output and error together: 1 MiB at most. */
  log(): Buffer;
  /** The same, as it was written. */
  logEntries(): readonly LogEntry[];
  /** What is in the log, unless `onlyNew`, then what comes, until the container ends or `signal` aborts. */
  followLog(signal: AbortSignal, options?: { onlyNew?: boolean }): AsyncIterable<LogEntry>;
  /** Whether a process of this machine is in the container. */
  has(pid: number): boolean;
  /** TERM to the main process, then, when the grace is over, KILL of everything in it. Resolves when it has exited. */
  stop(graceSeconds: number): Promise<void>;
}

/** The command cannot be executed, or the machine cannot give the container what it asks for. */
export class StartError extends Error {
  override readonly name = 'StartError';
}
