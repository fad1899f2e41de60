import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { noticeRow, SUBSCRIBED_KINDS } from '../../src/domain/notice/notice.kinds.js';

test('docs/notifications.md names every event that can be told, and how loud it is', () => {
  const text = readFileSync(new URL('../../docs/notifications.md', import.meta.url), 'utf8');
  for (const kind of SUBSCRIBED_KINDS) {
    expect(text).toContain(`\`${kind}\``);
    const row = text.split('\n').find((line) => line.startsWith(`| \`${kind}\` `));
    if (row) expect(row).toMatch(new RegExp(`\\| ${noticeRow(kind).urgency} +\\|$`));
  }
});
