import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { freePort } from '../../sandbox/free.port.js';
import type { Surroundings } from '../../sandbox/broker/broker.config.js';
import type * as BrokerConfig from '../../sandbox/broker/broker.config.js';
import { PROJECT_ROOT } from '../../sandbox/project.root.js';
import { Program } from '../support/program.js';

/** A replica as a process of its own, on ports that stay the same from one life to the next. */
export class ReplicaProgram implements AsyncDisposable {
  private life: Program | undefined;
  private health = '';

  private constructor(
    readonly url: string,
    private readonly configPath: string,
    private readonly program: ReturnType<typeof programIn>,
  ) {}

  /** Starts it. @param root the tree that it is built in; this one by default. */
  static async start(around: Surroundings, root = PROJECT_ROOT): Promise<ReplicaProgram> {
    const port = await freePort(0);
    const server = { port, ...around.server };
    // Each version knows its own keys, and refuses others.
    const { writeBrokerConfig } = await configWriterIn(root);
    const { path } = await writeBrokerConfig({ log: { level: 'info' }, ...around, server });
    const replica = new ReplicaProgram(`http://127.0.0.1:${port}`, path, programIn(root));
    await replica.start();
    return replica;
  }

  /** Resolves when it serves. */
  async start(): Promise<void> {
    const { path, args } = this.program;
    this.life = new Program(path, [...args], { HALLPASS_CONFIG: this.configPath });
    const said = await this.life.says(/"health":"(?<health>[^"]+)".*"msg":"serving"/);
    this.health = said.groups?.['health'] ?? '';
  }

  /** The status of its readiness. */
  async readiness(): Promise<number> {
    return (await fetch(`${this.health}/readyz`)).status;
  }

  /** KILLs it and waits until it is gone. */
  async kill(): Promise<void> {
    await this.life?.[Symbol.asyncDispose]();
  }

  /** Asks it to end, and gives what it ended with. */
  async terminate(): Promise<number | null | undefined> {
    this.life?.signal('SIGTERM');
    return (await this.life?.ended)?.code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}

/** The server of a tree, as {@link Program} calls it. Releases before the image had a program for it alone. */
function programIn(root: string): { readonly path: string; readonly args: readonly string[] } {
  const of = (name: string) => join(root, 'dist', 'src', name);
  const isNew = existsSync(of('server.js'));
  const path = relative(join(PROJECT_ROOT, 'dist'), of(isNew ? 'server.ts' : 'main.ts'));
  return { path, args: isNew ? ['serve'] : [] };
}

async function configWriterIn(root: string): Promise<typeof BrokerConfig> {
  const path = join(root, 'dist', 'sandbox', 'broker', 'broker.config.js');
  return (await import(path)) as typeof BrokerConfig;
}
