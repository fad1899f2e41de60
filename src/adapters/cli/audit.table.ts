import type { AuditEventView } from '../../contract/audit.schema.js';
import { traceIdOf } from '../../domain/traceparent.js';
import type { Running } from './client.command.js';
import { clockText } from './person.time.js';
import type { Line } from './styled.text.js';
import { table } from './styled.text.js';

/** Events of the audit log as lines for people. */
export function auditTable(
  items: readonly AuditEventView[],
  { more, running }: { readonly more: boolean; readonly running: Running },
): Line[] {
  const wide = running.options.output === 'wide';
  const heads = ['WHEN', 'ACTION', 'OUTCOME', 'WHO', 'SESSION'];
  const rows = items.map((it) => [
    clockText(new Date(it.at), running.moment),
    it.action,
    it.dropped ? '(dropped)' : wordIn(it.body, ['outcome']),
    wordIn(it.body, ['actor', 'sub']),
    it.session ?? '',
    ...(wide ? [it.id, it.leafHash, traceIdOf(wordIn(it.body, ['traceparent'])) ?? ''] : []),
  ]);
  const lines = table(wide ? [...heads, 'ID', 'HASH', 'TRACE'] : heads, rows);
  return more ? [...lines, 'There are more: see --limit.'] : lines;
}

/** The text at this place of an event, whose form is another for each action. */
function wordIn(body: unknown, path: readonly string[]): string {
  const found = path.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null
        ? (Reflect.get(value, key) as unknown)
        : undefined,
    body,
  );
  return typeof found === 'string' ? found : '';
}
