import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { z } from 'zod';
import { PROJECT_ROOT } from '../sandbox/project.root.js';

/** A cluster of a thousand Pods takes minutes on a busy machine. */
const START_MS = 300_000;
const ANSWER_MS = 60_000;
const STOP_MS = 20_000;
const LOG_CHARACTERS_MAX = 4_000;

/** A program of this folder in a process of its own, that is asked one thing after the other. */
export class ForkedProgram implements AsyncDisposable {
  private log = '';
  private readonly life = new AbortController();

  private constructor(
    private readonly name: string,
    private readonly child: ChildProcess,
  ) {
    for (const output of [child.stdout, child.stderr]) {
      output?.setEncoding('utf8').on('data', (text: string) => {
        this.log = (this.log + text).slice(-LOG_CHARACTERS_MAX);
      });
    }
    child.once('exit', () => this.life.abort());
  }

  /** Starts `dist/bench/NAME.js`, its only argument being `orders` as JSON. Gives what it says first. */
  static async start<T>(
    name: string,
    { orders, says }: { readonly orders: object; readonly says: z.ZodType<T> },
  ): Promise<{ readonly program: ForkedProgram; readonly said: T }> {
    const { PATH, NODE_OPTIONS } = process.env;
    const child = fork(
      join(PROJECT_ROOT, 'dist', 'bench', `${name}.js`),
      [JSON.stringify(orders)],
      {
        execArgv: ['--expose-gc'],
        // So that it can be profiled.
        env: { PATH, ...(NODE_OPTIONS === undefined ? {} : { NODE_OPTIONS }) },
        stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      },
    );
    const program = new ForkedProgram(name, child);
    try {
      return { program, said: says.parse(await program.hear(START_MS)) };
    } catch (error) {
      await program[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Asks it, and gives its answer. Never two at once. */
  async ask<T>(question: string, answers: z.ZodType<T>): Promise<T> {
    const heard = this.hear(ANSWER_MS);
    this.child.send(question);
    return answers.parse(await heard);
  }

  /** Lets it go, which is how it knows that it is to end; with KILL where it does not. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.life.signal.aborted) return;
    const ended = once(this.child, 'exit');
    if (this.child.connected) this.child.disconnect();
    const timer = setTimeout(() => this.child.kill('SIGKILL'), STOP_MS);
    await ended;
    clearTimeout(timer);
  }

  private async hear(limitMs: number): Promise<unknown> {
    const signal = AbortSignal.any([this.life.signal, AbortSignal.timeout(limitMs)]);
    try {
      const heard: readonly unknown[] = await once(this.child, 'message', { signal });
      return heard[0];
    } catch (cause) {
      throw new Error(`${this.name} says nothing but: ${this.log}`, { cause });
    }
  }
}
