import { describe, expect, test } from 'vitest';
import type { EvidenceVerification } from '../../app/verify-evidence.js';
import { evidenceLines } from './evidence.commands.js';

const report: EvidenceVerification = {
  head: null,
  keys: [],
  session: '7k2m9q4x1v8t3b6n',
  takenAt: null,
  events: 8,
  dropped: 0,
  recordings: 0,
  notes: [],
  findings: [],
};

describe('evidence that is found whole', () => {
  test('lacks no step where no text was dropped', () => {
    const text = evidenceLines(report).join('\n');
    expect(text).toContain("none of the session's steps is missing");
    expect(text).not.toContain('dropped');
  });

  test('is not said to have all steps where texts were dropped, nor that their time was over', () => {
    const text = evidenceLines({ ...report, dropped: 2 }).join('\n');
    expect(text).not.toContain('none of the session');
    expect(text).toContain("no more of the session's steps are missing than texts were dropped");
    expect(text).toContain('The texts of 2 events were dropped');
    expect(text).toContain('That their time was over is not in this archive');
  });
});
