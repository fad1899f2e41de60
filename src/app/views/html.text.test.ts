import fc from 'fast-check';
import { expect, test } from 'vitest';
import { markup } from './html.text.js';

test('what people wrote is text, in elements and in attributes, whatever it is', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const { text: made } = markup`<p title="${text}">${text}</p>`;
      const [, title, inside] = /^<p title="([^"<>]*)">([^<>]*)<\/p>$/.exec(made) ?? [];
      expect(title).toBeDefined();
      expect(inside).toBe(title);
      expect(made.replaceAll(/&(?:amp|lt|gt|quot|#39);/g, '')).not.toContain('&');
    }),
  );
});

test('what cannot be seen or would reorder text is shown by its number', () => {
  const { text } = markup`${'al\u200bex \u202egro.live\u202c \u3164'}`;
  expect(text).toBe('al⟨U+200B⟩ex ⟨U+202E⟩gro.live⟨U+202C⟩ ⟨U+3164⟩');
});

test('what is nothing is nothing, and what is markup already stays', () => {
  expect(markup`<b>${null}${undefined}${false}${markup`<i>&amp;</i>`}${0}</b>`.text).toBe(
    '<b><i>&amp;</i>0</b>',
  );
});
