import { fork, type ChildProcess } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { type Asked, type Orders, Told } from './crash.orders.js';

const START_MS = 60_000;
const ANSWER_MS = 10_000;
const GO_ON_MS = 60_000;
const LOG_CHARACTERS_MAX = 4_000;

/** The program `crashing.broker` in a process of its own. */
export class BrokerProcess implements AsyncDisposable {
  private log = '';
  private readonly told = new EventEmitter();
  private readonly life = new AbortController();
  private readonly holds = new Map<string, AbortController>();
  private served = '';

  private constructor(private readonly child: ChildProcess) {
    for (const output of [child.stdout, child.stderr]) {
      output?.setEncoding('utf8').on('data', (text: string) => {
        this.log = (this.log + text).slice(-LOG_CHARACTERS_MAX);
      });
    }
    child.on('message', (message) => {
      const told = Told.parse(message);
      if (told.kind === 'held') this.holdOf(told.pod).abort();
      else this.told.emit(told.kind, told.kind === 'serving' ? told.url : told.steps);
    });
    child.once('exit', () => this.life.abort());
  }

  /** Resolves when it serves. */
  static async start(program: string, orders: Orders): Promise<BrokerProcess> {
    const child = fork(program, [JSON.stringify(orders)], {
      execPath: process.execPath,
      execArgv: [],
      env: { PATH: process.env['PATH'] },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    const started = new BrokerProcess(child);
    try {
      [started.served] = await started.hear<[string]>('serving', START_MS);
    } catch (cause) {
      await started.kill();
      throw new Error(`a broker said nothing but: ${started.log}`, { cause });
    }
    return started;
  }

  get url(): string {
    return this.served;
  }

  /** Aborts when the session of that Pod stands still. */
  held(pod: string): AbortSignal {
    return this.holdOf(pod).signal;
  }

  /** The steps until now of the session of that Pod. */
  async steps(pod: string): Promise<readonly string[]> {
    return this.ask({ kind: 'steps', pod }, ANSWER_MS);
  }

  /** From now on it takes up no session. */
  async rest(): Promise<void> {
    await this.ask({ kind: 'rest' }, ANSWER_MS);
  }

  /** Lets every session go on that stands still, and waits until nothing is under way any more. */
  async goOn(): Promise<void> {
    await this.ask({ kind: 'go-on' }, GO_ON_MS);
  }

  /** What it wrote, where it is gone without being KILLed; `undefined` while it lives. */
  get lastWords(): string | undefined {
    return this.life.signal.aborted ? this.log : undefined;
  }

  /** KILLs it and waits until it is gone. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    if (!this.life.signal.aborted) await once(this.life.signal, 'abort');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  /** Not to be asked twice at a time. */
  private async ask(asked: Asked, withinMs: number): Promise<readonly string[]> {
    const heard = this.hear<[readonly string[]]>('done', withinMs);
    this.child.send(asked);
    const [steps] = await heard;
    return steps;
  }

  private holdOf(pod: string): AbortController {
    const hold = this.holds.get(pod) ?? new AbortController();
    this.holds.set(pod, hold);
    return hold;
  }

  private async hear<T extends unknown[]>(kind: 'serving' | 'done', withinMs: number): Promise<T> {
    const signal = AbortSignal.any([this.life.signal, AbortSignal.timeout(withinMs)]);
    return (await once(this.told, kind, { signal })) as T;
  }
}
