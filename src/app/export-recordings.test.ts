import { expect, test } from 'vitest';
import { MemoryWritableFiles, logFilesOf } from '../../test/support/log.files.js';
import { signerNamed } from '../../test/support/log.lab.js';
import { canonicalJson } from '../domain/audit/canonical.js';
import { newRecordingId } from '../domain/recording/recording.js';
import { exportLog } from './export-log.js';
import { exportRecordings } from './export-recordings.js';
import { verifyLog } from './verify-log.js';

test('recordings that were all removed are missed by whoever verifies what was taken out', async () => {
  const signer = signerNamed();
  const bodies = [1, 2].map((at) =>
    Buffer.from(
      canonicalJson({
        time: new Date(at * 1000).toISOString(),
        action: 'recording.finished',
        data: { recording: newRecordingId(), digest: 'ab'.repeat(32), chunks: 1 },
      }),
    ),
  );
  const log = logFilesOf({ bodies, signer });
  const files = new MemoryWritableFiles();
  await exportLog({ to: files, source: (path) => log.read(path), pauseMs: 1 });
  const without = await verifyLog({ files, verifiers: [signer.verifier] });
  expect(without).toMatchObject({ recordingsUnseen: 2, findings: [] });

  const taken = await exportRecordings({ files, source: () => Promise.resolve(undefined) });
  expect(taken).toMatchObject({ taken: 0, dropped: 0 });
  expect(taken.absent).toHaveLength(2);
  const { findings, recordingsUnseen } = await verifyLog({ files, verifiers: [signer.verifier] });
  expect(recordingsUnseen).toBe(0);
  expect(findings).toMatchObject([{ what: expect.stringContaining('is missing') as string }]);
});
