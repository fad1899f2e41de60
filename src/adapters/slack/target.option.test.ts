import fc from 'fast-check';
import { expect, test } from 'vitest';
import { chosenTarget, isChosen, targetOption } from './target.option.js';

const name = fc.stringMatching(/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/);
const kind = fc.constantFrom('Pod', 'Deployment', 'StatefulSet', 'DaemonSet');
const elsewhere = fc.constantFrom([], ['payments'], ['prod', 'payments']);

test('whatever is chosen is known again, among names that are alike but for their ends', () => {
  fc.assert(
    fc.property(kind, name, elsewhere, (of, called, where) => {
      const [value] = targetOption({ kind: of, name: called }, where);
      expect(value.length).toBeLessThanOrEqual(150);
      const chosen = chosenTarget(value);
      expect(chosen?.kind).toBe(of);
      expect([chosen?.cluster, chosen?.namespace].filter((it) => it !== undefined)).toEqual(where);
      if (chosen?.isCut !== true) expect(chosen?.name).toBe(called);
      expect(isChosen(value, { kind: of, name: called })).toBe(true);
      expect(isChosen(value, { kind: of, name: `${called}x` })).toBe(false);
    }),
  );
});

test('what is none of ours is nothing', () => {
  for (const none of ['', '/', 'Pod', 'Pod/', '/x', 'a/b/c/d/e']) {
    expect(chosenTarget(none)).toBeUndefined();
  }
});
