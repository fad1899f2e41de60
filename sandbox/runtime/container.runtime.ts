import { type ContainerSpec, type RunningContainer, StartError } from './container.spec.js';
import type { ExecProcess } from './exec.process.js';
import { type ExecRequest, IsolatedContainer } from './isolated.container.js';
import type { Isolation } from './isolation.js';
import { tryIsolation } from './isolation.probe.js';
import { PlainContainer } from './plain.container.js';
import { addressOf } from './port.owner.js';

export {
  StartError,
  type ContainerExit,
  type ContainerSpec,
  type RunningContainer,
} from './container.spec.js';

/** Containers as processes of this machine: `namespaces` where it allows, applications only where it does not. */
export class ContainerRuntime {
  readonly #containers = new Map<string, IsolatedContainer | PlainContainer>();
  #closed = false;

  private constructor(
    private readonly machine: { isolation: Isolation | undefined; note: string },
  ) {}

  /** Finds out what the machine allows by trying it. HALLPASS_SANDBOX_ISOLATION=none: as if it allowed nothing. */
  static async create(): Promise<ContainerRuntime> {
    return new ContainerRuntime(await tryIsolation(process.env['HALLPASS_SANDBOX_ISOLATION']));
  }

  get isolation(): 'namespaces' | 'none' {
    return this.machine.isolation === undefined ? 'none' : 'namespaces';
  }

  /** In plain words, for whoever starts the sandbox: how far containers are separate, or what is missing. */
  get isolationNote(): string {
    return this.machine.note;
  }

  /** Resolves when the command runs. Rejects with a StartError when it cannot, in the words of runc under containerd. */
  async start(spec: ContainerSpec): Promise<RunningContainer> {
    if (this.#closed) throw new Error('the container runtime is closed');
    if (this.#containers.has(spec.id)) throw new Error(`container ${spec.id} is running already`);
    const { isolation, note } = this.machine;
    const container = isolation
      ? await IsolatedContainer.start(isolation, spec, this.#target(spec))
      : PlainContainer.start(spec, note);
    this.#containers.set(spec.id, container);
    void container.exited.then(() => this.#containers.delete(spec.id));
    if (this.#closed) await container.stop(0);
    return container;
  }

  /** Undefined once it has exited. */
  get(id: string): RunningContainer | undefined {
    return this.#containers.get(id);
  }

  /** One more process in a running container. Rejects with a StartError. */
  exec(id: string, request: ExecRequest): Promise<ExecProcess> {
    return this.main(id).exec(request);
  }

  /** Throws a StartError for a container that does not run or cannot be entered. */
  main(id: string): IsolatedContainer {
    const container = this.#containers.get(id);
    if (container instanceof IsolatedContainer) return container;
    throw new StartError(container ? this.machine.note : 'container is in CONTAINER_EXITED state');
  }

  /** Where a port is reached on which a process of one of these containers listens; undefined where none does. */
  addressOf(ids: readonly string[], port: number): string | undefined {
    const containers = ids.flatMap((id) => this.#containers.get(id) ?? []);
    return addressOf(port, (pid) => containers.some((container) => container.has(pid)));
  }

  /** KILLs all containers and waits until they are gone. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#containers.values()].map((container) => container.stop(0)));
    this.machine.isolation?.close();
  }

  #target({ sharePidWith }: ContainerSpec): IsolatedContainer | undefined {
    if (sharePidWith === undefined) return undefined;
    const target = this.#containers.get(sharePidWith);
    if (target instanceof IsolatedContainer) return target;
    throw new StartError(
      `failed to generate container spec: invalid target container: container "${sharePidWith}" is not running - in state CONTAINER_EXITED`,
    );
  }
}
