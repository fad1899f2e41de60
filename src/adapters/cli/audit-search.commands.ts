import type { Command } from 'commander';
import { Option } from 'commander';
import {
  AUDIT_COUNTED_BY,
  AuditCounts,
  AuditSearchPage,
} from '../../contract/audit-search.schema.js';
import { auditTable } from './audit.table.js';
import { readPages } from './broker.pages.js';
import type { ClientOptions, CommandDeps, Running } from './client.command.js';
import { acting, clientCommand } from './client.command.js';
import { EXIT } from './exit.codes.js';
import { INSTANT_FORMS, instantText } from './local.instant.js';
import { count } from './option.readers.js';
import type { Moment } from './person.time.js';
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
  ['image', '<image>', 'only with this image in the debug container: name, name:tag, or a digest'],
  ['rule', '<rule>', 'only where this rule of the policy decided'],
  ['ticket', '<ticket>', 'only for this ticket'],
  ['from', '<instant>', `only of this instant and later: ${INSTANT_FORMS} 7d for seven days ago`],
  ['until', '<instant>', 'only earlier than this instant'],
] as const;

/** What the options of {@link filterOptions} hold. */
export interface Filters extends Readonly<Partial<Record<(typeof FILTERS)[number][0], string>>> {
  readonly breakGlass?: boolean;
}

interface SearchOptions extends ClientOptions, Filters {
  readonly trace?: string;
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
          query: searchOf(running, words),
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
          query: { by, ...searchOf(running, words) },
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
  return filterOptions(command).option(
    '--trace <id>',
    'only of this trace: its id, or a whole traceparent',
  );
}

/** The filters of a search as options. */
export function filterOptions(command: Command): Command {
  for (const [name, value, about] of FILTERS) command.option(`--${name} ${value}`, about);
  return command.option('--break-glass', 'only of sessions that broke the glass');
}

/** What was given of {@link filterOptions}, as the API takes it. */
export function filterOf(options: Filters, moment: Moment): Record<string, string> {
  const given = FILTERS.flatMap(([name]) => {
    const value = options[name];
    if (value === undefined) return [];
    const isTime = name === 'from' || name === 'until';
    const how = { option: `--${name}`, relative: 'past' } as const;
    return [[name, isTime ? instantText(value, moment, how) : value] as const];
  });
  return {
    ...Object.fromEntries(given),
    ...(options.breakGlass === true ? { breakGlass: 'true' } : {}),
  };
}

function searchOf(
  running: Running & { readonly options: SearchOptions },
  words: readonly string[],
): Record<string, string> {
  const { options, moment } = running;
  return {
    ...filterOf(options, moment),
    ...(options.trace === undefined ? {} : { trace: options.trace }),
    ...(words.length > 0 ? { text: words.join(' ') } : {}),
  };
}
