import { spawn } from '@lydell/node-pty';
import type { Kubectl } from '../sandbox/cluster/kubectl.runner.js';

/** Says it again for a second or two: what is said before a client is attached, nobody sees. */
const SPEAKING = 'i=0; while [ $i -lt 200 ]; do i=$((i+1)); echo here; sleep 0.005; done';

/** From starting `kubectl debug -it` in a terminal to the first that its container says there, in milliseconds. */
export async function timeKubectlDebug(kubectl: Kubectl, pod: string): Promise<number> {
  const { program, args, env } = kubectl.invocation([
    ...['debug', '-it', pod, '--image=docker.io/library/busybox:1', '--image-pull-policy=Never'],
    ...['--', 'sh', '-c', SPEAKING],
  ]);
  const fromMs = performance.now();
  const terminal = spawn(program, args, { env, cols: 80, rows: 24 });
  try {
    return await new Promise((resolve, reject) => {
      let seen = '';
      terminal.onData((text) => {
        seen += text;
        if (seen.includes('here\r\n')) resolve(performance.now() - fromMs);
      });
      terminal.onExit(() => reject(new Error(`kubectl debug ended: ${seen}`)));
    });
  } finally {
    terminal.kill();
  }
}
