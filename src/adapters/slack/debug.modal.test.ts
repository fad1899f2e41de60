import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fieldOf, listOf, textOf } from './slack.answer.js';
import { debugView, readDebugForm, waitingView } from './debug.modal.js';
import { closed, options } from './modal.parts.js';
import { escaped } from './slack.text.js';
import { wordView } from './word.modals.js';
import type { SlackView } from '../../app/ports/slack.api.js';

/** What Slack documents of modals and of what they are made of, as sentences about what is over it. */
function overLimits(view: SlackView): string[] {
  const blocks = listOf(view, 'blocks') ?? [];
  const most = (what: string, text: string | undefined, max: number) =>
    text !== undefined && text.length > max ? [`${what}: ${text.length}, ${max} at most`] : [];
  return [
    ...most('the title', textOf(view, 'title', 'text'), 24),
    ...most('the button', textOf(view, 'submit', 'text'), 24),
    ...most('the metadata', textOf(view, 'private_metadata'), 3_000),
    ...(blocks.length > 100 || blocks.length === 0 ? [`${blocks.length} blocks`] : []),
    ...blocks.flatMap((block) => [
      ...most('a text', textOf(block, 'text', 'text'), 3_000),
      ...most('a label', textOf(block, 'label', 'text'), 2_000),
      ...most('a placeholder', textOf(block, 'element', 'placeholder', 'text'), 150),
      ...most(
        'a value',
        textOf(block, 'element', 'initial_value'),
        Number(fieldOf(block, 'element', 'max_length') ?? 3_000),
      ),
      ...[
        ...(listOf(block, 'element', 'options') ?? []),
        fieldOf(block, 'element', 'initial_option'),
      ].flatMap((option) => [
        ...most('an option', textOf(option, 'text', 'text'), 75),
        ...most('its value', textOf(option, 'value'), 150),
      ]),
    ]),
  ];
}

const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 4_000 }),
  fc.constantFrom('<!channel>', '&'.repeat(3_000), '\u202e'.repeat(900), '<https://a|b>'),
);

test('every form is within what Slack documents, whatever is filled in before', () => {
  fc.assert(
    fc.property(hostile, fc.array(hostile, { maxLength: 120 }), (text, names) => {
      const prefill = { cluster: text, namespace: text, name: text, reason: text, ticket: text };
      const view = debugView(prefill, {
        clusters: names,
        defaultDurationSeconds: 1_800,
        target: [`Pod/${text}`, text],
      });
      expect(overLimits(view)).toEqual([]);
      expect(overLimits(closed(escaped(text, 3_000)))).toEqual([]);
      const { options: offered } = options(names.map((name) => [name, name]));
      expect(offered.length).toBeLessThanOrEqual(100);
      expect(
        offered.every(({ text: label, value }) => label.text.length <= 75 && value.length <= 150),
      ).toBe(true);
    }),
    { numRuns: 60 },
  );
  for (const form of ['approve', 'deny', 'extend'] as const) {
    expect(overLimits(wordView(form, '7k2m9q4x1v8t3b6n:1'))).toEqual([]);
  }
  expect(overLimits(waitingView())).toEqual([]);
});

test('whatever is sent as a form is a request, or is answered at its fields', () => {
  const entry = fc.record({
    value: fc.option(hostile),
    selected_option: fc.option(fc.record({ value: hostile })),
  });
  const values = fc.dictionary(
    fc.constantFrom('namespace', 'target', 'profile', 'duration', 'reason', 'ticket', 'glass'),
    fc.dictionary(fc.constant('x'), entry),
  );
  fc.assert(
    fc.property(values, (fields) => {
      const read = readDebugForm({ id: 'V1', private_metadata: '', state: { values: fields } });
      if ('errors' in read) expect(Object.keys(read.errors).length).toBeGreaterThan(0);
      else expect(read.asked.namespace).toMatch(/^[a-z0-9-]+$/);
    }),
  );
});
