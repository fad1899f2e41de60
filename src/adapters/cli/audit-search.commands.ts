import type { Command } from 'commander';
import { Option } from 'commander';
import {
  AUDIT_COUNTED_BY,
  AuditCounts,
  AuditSearchPage,
} from '../../contract/audit-search.schema.js';
import { auditTable } from './audit.table.js';
import { readPages } from './broker.pages.js';
import type { ClientOptions, CommandDeps } from './client.command.js';
import { acting, clientCommand } from './client.command.js';
import { EXIT } from './exit.codes.js';
import { count } from './option.readers.js';
import { table } from './styled.text.js';

/** Filters of a search: the option's flag, and what it is about. Their names are those of the API. */
const FILTERS = [
  ['session', '<id>', 'only of this session'],
  ['action', '<action>', 'only of this action, as session.start'],
  ['outcome', '<outcome>', 'only those that ended so: success, failure or denied'],
  ['person', '<subject>', 'only what this person did'],
  ['email', '<address>', 'only what somebody of this e-mail did'],
  ['approver', '<subject>', 'only words that this person gave on sessions'],
  ['requester', '<subject>', 'only events that name this subject as who asked'],
  ['cluster', '<name>', 'only in this cluster'],
  ['namespace', '<name>', 'only in this namespace'],
  ['workload', '<kind/name>', 'only where this workload was asked for, as Deployment/web'],
  ['pod', '<name>', 'only in this Pod'],
  ['image', '<image>', 'only with this image in the debug container'],
  ['rule', '<rule>', 'only where this rule of the policy decided'],
  ['ticket', '<ticket>', 'only for this ticket'],
  ['from', '<instant>', 'only of this instant (RFC 3339) and later'],
  ['until', '<instant>', 'only earlier than this instant'],
] as const;

type Filters = Readonly<Partial<Record<(typeof FILTERS)[number][0], string>>>;

interface SearchOptions extends ClientOptions, Filters {
  readonly breakGlass?: boolean;
  readonly limit: number;
}

interface CountsOptions extends SearchOptions {
  readonly by: string;
}

/** `hallpass audit search` and `hallpass audit counts`. */
export function addSearchCommands(audit: Command, deps: CommandDeps): void {
  filtered(clientCommand(audit.command('search')))
    .description('find events of the audit log, the newest first')
    .option('--limit <count>', 'so many at most', count, 50)
    .action(
      acting<SearchOptions, [string[]]>(deps, async (running, words) => {
        const { items, more, raw } = await readPages(await running.broker(), '/v1/audit/search', {
          shape: AuditSearchPage,
          query: queryOf(running.options, words),
          limit: running.options.limit,
        });
        await running.show(raw, () => auditTable(items, { more, running }));
        return EXIT.ok;
      }),
    );
  filtered(clientCommand(audit.command('counts')))
    .description('count events of the audit log, the most frequent first')
    .addOption(
      new Option('--by <what>', 'what to count by')
        .choices(AUDIT_COUNTED_BY.options)
        .makeOptionMandatory(),
    )
    .action(
      acting<CountsOptions, [string[]]>(deps, async (running, words) => {
        const { by } = running.options;
        const broker = await running.broker();
        const { value, raw } = await broker.call('/v1/audit/counts', AuditCounts, {
          query: { by, ...queryOf(running.options, words) },
        });
        await running.show(raw, () => {
          const rows = value.groups.map((it) => [it.value ?? '-', String(it.count)]);
          const lines = table([by.toUpperCase(), 'EVENTS'], rows);
          return value.more ? [...lines, `Of the newest ${value.total} events alone.`] : lines;
        });
        return EXIT.ok;
      }),
    );
}

function filtered(command: Command): Command {
  command.argument(
    '[words...]',
    'only with these words, after "--" where one begins with "-" because it must not be there',
  );
  for (const [name, value, about] of FILTERS) command.option(`--${name} ${value}`, about);
  return command.option('--break-glass', 'only of sessions that broke the glass');
}

function queryOf(
  options: Filters & { readonly breakGlass?: boolean },
  words: readonly string[],
): Record<string, string | undefined> {
  return {
    ...Object.fromEntries(FILTERS.map(([name]) => [name, options[name]])),
    breakGlass: options.breakGlass === true ? 'true' : undefined,
    text: words.length > 0 ? words.join(' ') : undefined,
  };
}
