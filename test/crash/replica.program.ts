import { freePort } from '../../sandbox/free.port.js';
import type { Surroundings } from '../../sandbox/broker/broker.config.js';
import { writeBrokerConfig } from '../../sandbox/broker/broker.config.js';
import { Program } from '../support/program.js';

/** A replica as a process of its own, on ports that stay the same from one life to the next. */
export class ReplicaProgram implements AsyncDisposable {
  private life: Program | undefined;

  private constructor(
    readonly url: string,
    private readonly configPath: string,
  ) {}

  /** Starts it, with the rest of the surroundings as they are given. */
  static async start(around: Surroundings): Promise<ReplicaProgram> {
    const port = await freePort(0);
    const server = { port, ...around.server };
    const { path } = await writeBrokerConfig({ log: { level: 'info' }, ...around, server });
    const replica = new ReplicaProgram(`http://127.0.0.1:${port}`, path);
    await replica.start();
    return replica;
  }

  /** Resolves when it serves. */
  async start(): Promise<void> {
    this.life = new Program('src/main.ts', [], { HALLPASS_CONFIG: this.configPath });
    await this.life.says(/"msg":"serving"/);
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
