import fc from 'fast-check';
import { expect, test } from 'vitest';
import { markup } from './markup.js';
import { ownPath } from './own.path.js';

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

test('what cannot be seen or would reorder text is shown or left out', () => {
  const { text } = markup`${'al\u200bex \u202egro.live\u202c \u3164'}`;
  expect(text).toBe('al\u25a1ex gro.live \u25a1');
});

test('what is nothing is nothing, and what is markup already stays', () => {
  expect(markup`<b>${null}${undefined}${false}${markup`<i>&amp;</i>`}${0}</b>`.text).toBe(
    '<b><i>&amp;</i>0</b>',
  );
});

test('a path of our own leads to our own host, whatever it is', () => {
  fc.assert(
    fc.property(fc.oneof(fc.webUrl(), fc.string(), fc.webPath()), (text) => {
      const { origin } = new URL(ownPath(text), 'https://hallpass.example.com');
      expect(origin).toBe('https://hallpass.example.com');
    }),
  );
  expect(ownPath('/link/slack?code=a_b-c')).toBe('/link/slack?code=a_b-c');
});
