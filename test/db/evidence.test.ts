import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Session } from '../../src/domain/session/session.js';
import { ARCHIVE_FILES } from '../../src/domain/evidence/archive.names.js';
import { EvidenceLab } from '../support/evidence.lab.js';

let lab: EvidenceLab;
let session: Session;
let recording: string;
let archive: Buffer;
let files: Map<string, Buffer>;
beforeAll(async () => {
  lab = await EvidenceLab.start();
  ({ session, recording } = await lab.ended({ reason: '<script>alert("1")</script> & more' }));
  archive = await lab.archive(session);
  files = await lab.files(archive);
});
afterAll(() => lab[Symbol.asyncDispose]());

describe('the evidence of a session', () => {
  test('is verified by itself: nothing is wrong with it', async () => {
    expect(await lab.verify(archive)).toMatchObject({
      findings: [],
      notes: [],
      session: session.id,
      recordings: 1,
      dropped: 0,
      // ask, approve, start, run, started, finished, stop, the reading of the recording, the taking
      events: 9,
    });
  });
});
