import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readPlainPage, characters } from '../../../test/support/plain.page.js';
import type { EvidenceRecord } from '../../contract/evidence.schema.js';
import type { LoggedEvent } from '../../domain/audit/logged.event.js';
import { readArchiveName } from '../../domain/evidence/archive.names.js';
import type { PageParts } from './evidence.page.js';
import { evidencePage } from './evidence.page.js';
import { escaped } from './html.text.js';

const PERSON = {
  iss: 'https://id.example',
  sub: 'robin',
  name: 'Robin',
  email: null,
  groups: ['a'],
};
const HASH = 'a'.repeat(64);
const ID = '0123456789abcdef';

/** A page on which this text is wherever somebody may have put one. */
function pageWith(text: string): string {
  const person = { ...PERSON, iss: text, sub: text, name: text, email: `${text}@`, groups: [text] };
  const record: EvidenceRecord = {
    format: 'hallpass-evidence/1',
    takenAt: '2026-11-28T12:00:00.000Z',
    takenBy: person,
    isOver: false,
    session: {
      id: ID,
      version: 5,
      state: text,
      requester: person,
      request: {
        cluster: text,
        namespace: text,
        target: { kind: 'workload', workload: text, name: text, pick: text },
        container: text,
        profile: text,
        reason: text,
        ticket: text,
        durationSeconds: 60,
        start: text,
        breakGlass: true,
      },
      pod: { name: text, uid: text, node: text },
      policy: { version: HASH, rule: 'rule', terms: {}, profile: {} },
      container: null,
      extensions: 0,
      createdAt: text,
      startedAt: text,
      deadline: text,
      endedAt: null,
      endReason: text,
      endDetail: text,
    },
    decisions: (['policy', 'person'] as const).map((by) => ({
      id: text,
      by,
      verdict: text,
      person: by === 'person' ? person : null,
      comment: text,
      rule: 'rule',
      policyVersion: HASH,
      explanation: [text],
      seenVersion: 1,
      at: text,
    })),
    policies: [{ version: HASH, isGiven: true }],
    recordings: [
      {
        id: ID,
        kind: text,
        way: text,
        by: person,
        mode: text,
        input: false,
        startedAt: text,
        endedAt: null,
        isAbandoned: false,
        exitCode: 1,
        why: text,
        chunks: 1,
        gaps: 1,
        digest: HASH,
        given: 'whole',
      },
    ],
    review: { dueAt: text, finding: text, comment: text, reviewer: person, at: text },
  };
  const event: LoggedEvent = {
    index: 7,
    text: '',
    fields: {
      time: text,
      action: text,
      outcome: text,
      reason: text,
      ticket: text,
      actor: { kind: 'person', sub: text, channel: text, address: text },
      target: { cluster: text, namespace: text, pod: text, profile: text },
      data: { from: text, to: text, version: 1, durationSeconds: 60 },
    },
  };
  const parts: PageParts = {
    record,
    events: [event],
    containers: [
      {
        name: text,
        image: text,
        intent: 7,
        sha256: text,
        spec: { env: [{ name: text, value: text }] },
        status: [{ event: 7, at: text, action: text, facts: { detail: text } }],
      },
    ],
    policies: new Map([[HASH, [{ name: text, text: `name: rule\n${text}` }]]]),
    screens: new Map([[ID, [{ atMs: 5, text }]]]),
    origin: text,
  };
  return evidencePage(parts);
}

const ALLOWED = new Set(
  'html head meta title style body h1 h2 h3 p a code pre table thead tbody tr th td ul li blockquote'.split(
    ' ',
  ),
);
const HOSTILE = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "' onmouseover='alert(1)",
  '</style><script>alert(1)</script>',
  '</pre></body></html><iframe src="https://evil.example">',
  '&lt;script&gt; &amp; &#60;',
  'javascript:alert(1)',
  '<!--',
  ']]><![CDATA[',
  '${evil} $& $1 `x`',
  '\u202eevil\u0000\u001b[2J\ud800',
];

describe('the page of evidence', () => {
  test('has no script, nothing that is loaded, and says so to browsers', () => {
    const { elements } = readPlainPage(pageWith('plain'));
    const [charset, policy] = elements.filter(({ name }) => name === 'meta');
    expect(charset?.attributes.get('charset')).toBe('utf-8');
    expect(policy?.attributes.get('http-equiv')).toBe('Content-Security-Policy');
    expect(policy?.attributes.get('content')).toMatch(
      /^default-src 'none'; style-src 'sha256-\S+'; base-uri 'none'; form-action 'none'$/,
    );
    for (const { name, attributes } of elements) {
      expect(ALLOWED, name).toContain(name);
      for (const key of attributes.keys()) {
        expect(key).toMatch(/^(href|id|class|content|charset|name|lang|scope|http-equiv)$/);
      }
      const href = attributes.get('href');
      if (href !== undefined && !/^#e\d+$/.test(href)) expect(readArchiveName(href)).toBeDefined();
    }
    expect(pageWith('plain')).not.toMatch(/url\(|@import|https?:\/\/(?!id\.example)/);
  });

  test.each(HOSTILE)('shows %j as it is, and is no other page for it', (text) => {
    const { elements, text: shown } = readPlainPage(pageWith(text));
    expect(elements).toEqual(readPlainPage(pageWith('plain')).elements);
    expect(shown).toContain(characters(escaped(text)));
  });

  test('is the same page whatever people wrote, but for their words', () => {
    const plain = readPlainPage(pageWith('plain')).elements;
    const texts = fc.oneof(
      fc.string({ unit: 'binary', minLength: 1 }),
      fc.string({ unit: fc.constantFrom(...'<>"\'&/=! -sx\n'), minLength: 1 }),
      fc.constantFrom(...HOSTILE),
    );
    fc.assert(
      fc.property(texts, (text) => {
        expect(readPlainPage(pageWith(text)).elements).toEqual(plain);
      }),
    );
  });

  test('tells times in UTC, with the zone', () => {
    expect(readPlainPage(pageWith('plain')).text).toContain('Taken 2026-11-28 12:00:00.000 UTC by');
  });
});

describe('a text that is escaped', () => {
  test('stands for itself, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme-composite' }), (text) => {
        const html = escaped(text);
        expect(html).not.toMatch(/[<>"']/);
        const visible = html.replaceAll(/⟨U\+([0-9A-F]{4})⟩/g, (_, code: string) =>
          String.fromCharCode(parseInt(code, 16)),
        );
        expect(characters(visible)).toBe(text);
      }),
    );
  });

  test('hides nothing: what cannot be seen is shown by its number', () => {
    expect(escaped('a\u202eb\u0007\u200b\ud800')).toBe('a⟨U+202E⟩b⟨U+0007⟩⟨U+200B⟩⟨U+D800⟩');
    expect(escaped('\u{1f600} ü\n\t')).toBe('\u{1f600} ü\n\t');
  });
});
