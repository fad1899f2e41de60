import { Command } from 'commander';
import { AuditPage } from '../../contract/audit.schema.js';
import { readPages } from './broker.pages.js';
import type { ClientOptions, CommandDeps } from './client.command.js';
import { acting, clientCommand } from './client.command.js';
import { EXIT } from './exit.codes.js';
import { addLogCommands } from './log.commands.js';
import { count } from './option.readers.js';
import { clockText } from './person.time.js';
import { table } from './styled.text.js';

interface EventsOptions extends ClientOptions {
  readonly session?: string;
  readonly action?: string;
  readonly limit: number;
}

/** `hallpass audit events`. */
export function auditCommands(deps: CommandDeps): Command {
  const audit = new Command('audit').description('read, take out and verify the audit log');
  clientCommand(audit.command('events'))
    .description('events of the audit log, the newest first')
    .option('--session <id>', 'only of this session')
    .option('--action <action>', 'only of this action, as session.start')
    .option('--limit <count>', 'so many at most', count, 50)
    .action(
      acting<EventsOptions, []>(deps, async (running) => {
        const { session, action, limit, output } = running.options;
        const { items, more, raw } = await readPages(await running.broker(), '/v1/audit/events', {
          shape: AuditPage,
          query: { session, action },
          limit,
        });
        await running.show(raw, () => {
          const wide = output === 'wide';
          const heads = ['WHEN', 'ACTION', 'OUTCOME', 'WHO', 'SESSION'];
          const rows = items.map((it) => [
            clockText(new Date(it.at), running.moment),
            it.action,
            wordIn(it.body, ['outcome']),
            wordIn(it.body, ['actor', 'sub']),
            it.session ?? '',
            ...(wide ? [it.id, it.leafHash] : []),
          ]);
          const lines = table(wide ? [...heads, 'ID', 'HASH'] : heads, rows);
          return more ? [...lines, 'There are more: see --limit.'] : lines;
        });
        return EXIT.ok;
      }),
    );
  addLogCommands(audit, deps);
  return audit;
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
