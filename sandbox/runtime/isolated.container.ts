import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readlinkSync } from 'node:fs';
import {
  type ContainerExit,
  type ContainerSpec,
  type RunningContainer,
  StartError,
} from './container.spec.js';
import { ExecProcess } from './exec.process.js';
import type { Isolation } from './isolation.js';
import { namespaceNumbers, type Program } from './namespace.commands.js';
import { isIn, sendSignal, sweepMountNamespace } from './namespace.sweeper.js';
import { type LogEntry, OutputLog } from './output.log.js';
import { LaunchedProcess, LaunchFailure } from './process.launcher.js';
import { atMost, type OutputListener, ProcessOutput } from './process.output.js';
import type { InputSink, ProcessStreams } from './process.streams.js';
import { shellFor } from './shells.js';
import { openPipes } from './standard.pipes.js';
import { openTerminal } from './terminal.streams.js';

/** Open descriptors: they keep a number that the kernel gives away again from ever being mistaken for the container. */
interface Namespaces {
  mount: number;
  uts: number;
  pid: number;
  ownUser: number | undefined;
}

export interface ExecRequest {
  command: readonly string[];
  stdin: boolean;
  tty: boolean;
}

/** A container in namespaces of its own. */
export class IsolatedContainer implements RunningContainer {
  readonly startedAt = new Date();
  readonly exited: Promise<ContainerExit>;
  #alive = true;

  private constructor(
    private readonly isolation: Isolation,
    private readonly spec: ContainerSpec,
    private readonly parts: {
      launched: LaunchedProcess;
      streams: ProcessStreams;
      output: ProcessOutput;
      log: OutputLog;
      /** The main process, as the machine numbers it. */
      pid: number;
      namespaces: Namespaces;
      mountNamespace: string;
    },
  ) {
    this.exited = this.#exit();
  }

  /** Rejects with a StartError. `target`: the container whose PID namespace it shares. */
  static async start(
    isolation: Isolation,
    spec: ContainerSpec,
    target: IsolatedContainer | undefined,
  ): Promise<IsolatedContainer> {
    if (spec.command.length === 0) throw new StartError('no command specified');
    const program = programOf(spec, spec.command, spec.tty);
    const streams = await openStreams(isolation, program, spec.stdin);
    const log = new OutputLog();
    const output = new ProcessOutput(streams.outputs);
    output.listen((_channel, chunk) => {
      log.append(chunk);
      return undefined;
    });
    const launched = new LaunchedProcess({
      command: isolation.commands.start({
        program,
        hostname: spec.env['HOSTNAME'] ?? spec.id.slice(0, 12),
        buildRoot: isolation.root.buildScript(shellFor(spec.image), {
          isReadOnly: spec.readOnlyRoot ?? false,
        }),
        sharesPid: target !== undefined,
      }),
      namespaces: {
        ...(target && { [namespaceNumbers.pid]: target.parts.namespaces.pid }),
        ...userOf(isolation),
      },
      streams,
    });
    let namespaces: Namespaces | undefined;
    try {
      const pid = await launched.pid;
      const mountNamespace = readlinkSync(`/proc/${pid}/ns/mnt`);
      namespaces = openNamespaces(pid);
      launched.proceed();
      await launched.ready;
      if (isolation.commands.inUserNamespace) namespaces.ownUser = openOwnUser(pid);
      const parts = { launched, streams, output, log, pid, namespaces, mountNamespace };
      return new IsolatedContainer(isolation, spec, parts);
    } catch (error) {
      if (namespaces !== undefined) closeNamespaces(namespaces);
      await launched.exited;
      streams.destroy();
      throw startError(
        await launched.ready.then(
          () => error,
          (cause: unknown) => cause,
        ),
      );
    }
  }

  get id(): string {
    return this.spec.id;
  }

  log(): Buffer {
    return this.parts.log.read();
  }

  logEntries(): readonly LogEntry[] {
    return this.parts.log.entries();
  }

  followLog(signal: AbortSignal, options?: { onlyNew?: boolean }): AsyncIterable<LogEntry> {
    return this.parts.log.follow(signal, options);
  }

  has(pid: number): boolean {
    return this.#alive && isIn(pid, this.parts.mountNamespace);
  }

  async stop(graceSeconds: number): Promise<void> {
    this.#signal('SIGTERM');
    await atMost(graceSeconds * 1_000, this.exited);
    this.#signal('SIGKILL');
    await this.exited;
  }

  /** Input and terminal of the main process, shared by all who are attached; input stays open when they leave. */
  get input(): InputSink | undefined {
    return this.parts.streams.input;
  }

  resize(columns: number, rows: number): void {
    this.parts.streams.resize(columns, rows);
  }

  /** What the main process writes from now on. Returns how to stop listening. */
  listen(listener: OutputListener): () => void {
    return this.parts.output.listen(listener);
  }

  /** Rejects with a StartError in containerd's words (measured: stream/exec-command-not-found.json, exec-no-command.json). */
  async exec(request: ExecRequest): Promise<ExecProcess> {
    const { isolation } = this;
    const program = programOf(this.spec, request.command, request.tty);
    const problem = `failed to exec in container: failed to start exec "${randomBytes(32).toString('hex')}": OCI runtime exec failed: exec failed:`;
    if (request.command.length === 0) throw new StartError(`${problem} args must not be empty`);
    const streams = await openStreams(isolation, program, request.stdin);
    if (!this.#alive) {
      streams.releaseChildEnds();
      streams.destroy();
      throw new StartError('container is in CONTAINER_EXITED state');
    }
    const { namespaces } = this.parts;
    const launched = new LaunchedProcess({
      command: isolation.commands.exec(program),
      namespaces: {
        [namespaceNumbers.mount]: namespaces.mount,
        [namespaceNumbers.uts]: namespaces.uts,
        [namespaceNumbers.pid]: namespaces.pid,
        ...(namespaces.ownUser !== undefined && { [namespaceNumbers.ownUser]: namespaces.ownUser }),
        ...userOf(isolation),
      },
      streams,
    });
    try {
      await launched.ready;
    } catch (error) {
      streams.destroy();
      if (!(error instanceof LaunchFailure)) throw error;
      const start = error.refused ? 'unable to start container process: ' : '';
      throw new StartError(`${problem} ${start}${error.message}`, { cause: error });
    }
    return new ExecProcess(streams, launched, this.exited);
  }

  async #exit(): Promise<ContainerExit> {
    const { launched, output, log, streams, namespaces, mountNamespace } = this.parts;
    const exitCode = await launched.exited;
    this.#alive = false;
    // In a PID namespace of its own the kernel has killed all by now; this finds what a shared one left.
    await sweepMountNamespace(mountNamespace);
    output.release();
    await atMost(1_000, output.ended);
    log.close();
    streams.destroy();
    closeNamespaces(namespaces);
    const reason = exitCode === 0 ? 'Completed' : 'Error';
    return { exitCode, reason, startedAt: this.startedAt, finishedAt: new Date() };
  }

  #signal(signal: NodeJS.Signals): void {
    const { pid, mountNamespace } = this.parts;
    if (this.#alive && isIn(pid, mountNamespace)) sendSignal(pid, signal);
  }
}

function programOf(spec: ContainerSpec, command: readonly string[], tty: boolean): Program {
  return { command, env: spec.env, tty, runAsUser: spec.runAsUser ?? 0 };
}

async function openStreams(
  isolation: Isolation,
  program: Program,
  stdin: boolean,
): Promise<ProcessStreams> {
  // In a user namespace the container's users are all this user.
  const owner = isolation.commands.inUserNamespace ? undefined : program.runAsUser;
  return program.tty ? openTerminal(owner) : openPipes({ folder: isolation.folder, stdin, owner });
}

function openNamespaces(pid: number): Namespaces {
  const open = (kind: string): number => openSync(`/proc/${pid}/ns/${kind}`, 'r');
  return { mount: open('mnt'), uts: open('uts'), pid: open('pid'), ownUser: undefined };
}

function openOwnUser(pid: number): number | undefined {
  try {
    return openSync(`/proc/${pid}/ns/user`, 'r');
  } catch {
    return undefined; // The main process is gone already, and nothing will be executed beside it.
  }
}

function closeNamespaces({ mount, uts, pid, ownUser }: Namespaces): void {
  for (const fd of [mount, uts, pid, ownUser]) if (fd !== undefined) closeSync(fd);
}

function userOf(isolation: Isolation): { [namespaceNumbers.user]?: number } {
  const { userNamespace } = isolation;
  return userNamespace === undefined ? {} : { [namespaceNumbers.user]: userNamespace };
}

// The words of runc under containerd (measured: test/kubernetes-1.36/lifecycle/command-not-found.json).
function startError(cause: unknown): unknown {
  if (!(cause instanceof LaunchFailure)) return cause;
  const prefix =
    'failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process:';
  const where = cause.refused ? 'error during container init: ' : '';
  return new StartError(`${prefix} ${where}${cause.message}`, { cause });
}
