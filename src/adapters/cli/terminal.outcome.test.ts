import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { problemType } from '../../contract/problem.schema.js';
import { problem } from '../../domain/problem.js';
import { outcomeOf } from './terminal.outcome.js';

const RECORDED = new URL(
  '../../../test/kubernetes-1.36/stream/exec-command-not-found.json',
  import.meta.url,
);

/** What a command comes to of which the cluster says this. */
function exitAt(says: string): number | undefined {
  const { problem: code, detail } = problem('cluster-refused', `Kubernetes says "${says}".`);
  const refused = { type: problemType(code), title: '', status: 502, detail };
  const outcome = outcomeOf('s', { kind: 'refused', problem: refused });
  return outcome.kind === 'failed' ? outcome.failure.exit : undefined;
}

test('a command that is not in the container is one that shells end with 127 for, as the cluster was recorded', async () => {
  const { frames } = JSON.parse(await readFile(RECORDED, 'utf8'));
  const frame = frames.find((it: { channel?: number }) => it.channel === 3);
  expect(exitAt(JSON.parse(frame.text).message)).toBe(127);
});

test.each([
  ['exec: "nosuch": executable file not found in $PATH: unknown', 127],
  ['OCI runtime exec failed: executable file `nosuch` not found in $PATH', 127],
  ['exec: "/etc/passwd": permission denied: unknown', 126],
  ['exec /bin/arm: exec: "/bin/arm": exec format error', 126],
  ['Internal error occurred: error dialing backend: no such host', 6],
])('where the cluster says %s, it ends with %i', (says, exit) => {
  expect(exitAt(says)).toBe(exit);
});
