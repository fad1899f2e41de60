import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsonPatch, mergePatch } from './json-patch.js';
import { isRefusal } from './status.objects.js';
import { strategicMerge } from './strategic-merge.js';

const name = fc.stringMatching(/^[a-z]{1,4}$/);
const pods = fc
  .uniqueArray(name, { maxLength: 6 })
  .map((names) => ({ spec: { ephemeralContainers: names.map((n) => ({ name: n, image: 'i' })) } }));

type Listed = { spec: { ephemeralContainers: { name: string; image: string }[] } };
const namesOf = (pod: unknown) => (pod as Listed).spec.ephemeralContainers.map((c) => c.name);

describe('strategic merge', () => {
  it('of what is there already changes nothing', () => {
    fc.assert(
      fc.property(pods, (pod) => {
        expect(strategicMerge(pod, pod)).toEqual(pod);
      }),
    );
  });

  it('puts new containers before those that are there, and loses none', () => {
    fc.assert(
      fc.property(pods, name, (pod, fresh) => {
        const before = namesOf(pod);
        fc.pre(!before.includes(fresh));
        const patch = { spec: { ephemeralContainers: [{ name: fresh, image: 'i' }] } };
        expect(namesOf(strategicMerge(pod, patch))).toEqual([fresh, ...before]);
      }),
    );
  });

  it('follows $setElementOrder', () => {
    const pod = { spec: { ephemeralContainers: [{ name: 'a', image: 'i' }] } };
    const patch = {
      spec: {
        '$setElementOrder/ephemeralContainers': [{ name: 'a' }, { name: 'b' }],
        ephemeralContainers: [{ name: 'b', image: 'i' }],
      },
    };
    expect(namesOf(strategicMerge(pod, patch))).toEqual(['a', 'b']);
  });

  it('refuses an element without its key', () => {
    const patch = { spec: { ephemeralContainers: [{ image: 'i' }] } };
    expect(isRefusal(strategicMerge({ spec: {} }, patch))).toBe(true);
  });
});

describe('JSON patch and merge patch', () => {
  it('a test that fails applies nothing', () => {
    const operations = [
      { op: 'add', path: '/a', value: 2 },
      { op: 'test', path: '/a', value: 3 },
    ];
    expect(isRefusal(jsonPatch({ a: 1 }, operations))).toBe(true);
  });

  it('add, then remove, is nothing, and the original is not touched', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const original = { list: [1, 2], '~/': {} };
        const copy = structuredClone(original);
        const path = '/~0~1/new';
        const operations = [
          { op: 'add', path, value },
          { op: 'remove', path },
        ];
        expect(jsonPatch(original, operations)).toEqual(copy);
        expect(original).toEqual(copy);
      }),
    );
  });

  it('null in a merge patch removes', () => {
    expect(mergePatch({ a: { b: 1, c: 2 } }, { a: { b: null } })).toEqual({ a: { c: 2 } });
  });
});
