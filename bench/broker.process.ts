import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { z } from 'zod';
import { PROJECT_ROOT } from '../sandbox/project.root.js';

const START_MS = 30_000;
const STOP_MS = 15_000;

/** The line of the broker's log that says where it serves. */
const Serving = z.object({ msg: z.literal('serving'), url: z.string() });

/** The built program as a process of its own. */
export interface BrokerProcess {
  readonly url: string;
  /** Ends it as an operator does, with TERM; with KILL where that does not help. */
  stop(): Promise<void>;
}

/**
 * Starts `hallpass-server serve` with a configuration file and these variables, and nothing else of our environment. Its log
 * must tell of level `info`. Ends with this process, but for a KILL.
 *
 * @throws Error with what it says, where it does not serve.
 */
export async function startBrokerProcess(
  configPath: string,
  variables: Readonly<Record<string, string>> = {},
): Promise<BrokerProcess> {
  const child = spawn(process.execPath, [join(PROJECT_ROOT, 'dist', 'src', 'server.js'), 'serve'], {
    env: { ...variables, HALLPASS_CONFIG: configPath },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    const timer = setTimeout(kill, STOP_MS);
    await ended;
    clearTimeout(timer);
    process.off('exit', kill);
  };

  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const lines = createInterface(child.stdout);
  const serving = new Promise<string>((resolve) => {
    lines.on('line', (line) => {
      const url = servingUrl(line);
      if (url !== undefined) resolve(url);
    });
  });
  const timeout = AbortSignal.timeout(START_MS);
  const late = once(timeout, 'abort').then(() => undefined);
  const url = await Promise.race([serving, ended.then(() => undefined), late]);
  if (url !== undefined) return { url, stop };
  await stop();
  throw new Error(`the broker does not serve: ${said.trim() || 'it says nothing'}`);
}

function servingUrl(line: string): string | undefined {
  return line.includes('"serving"') ? Serving.safeParse(JSON.parse(line)).data?.url : undefined;
}
