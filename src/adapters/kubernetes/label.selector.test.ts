import { describe, expect, it } from 'vitest';
import { labelSelector } from './label.selector.js';

describe("a workload's selector", () => {
  it('is written as a query', () => {
    const selector = {
      matchLabels: { app: 'web', tier: 'front' },
      matchExpressions: [
        { key: 'track', operator: 'In', values: ['stable', 'canary'] },
        { key: 'zone', operator: 'NotIn', values: ['x'] },
        { key: 'a', operator: 'Exists' },
        { key: 'b', operator: 'DoesNotExist' },
      ],
    };
    expect(labelSelector(selector)).toBe(
      'app=web,tier=front,track in (stable,canary),zone notin (x),a,!b',
    );
  });

  it('that is empty, or has what is not understood, selects nothing rather than everything', () => {
    expect(labelSelector({})).toBeUndefined();
    expect(labelSelector(undefined)).toBeUndefined();
    const unknown = {
      matchLabels: { app: 'web' },
      matchExpressions: [{ key: 'a', operator: 'Gt', values: ['1'] }],
    };
    expect(labelSelector(unknown)).toBeUndefined();
  });
});
