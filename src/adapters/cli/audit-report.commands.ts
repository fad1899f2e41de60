import type { Command } from 'commander';
import { Command as NewCommand, Option } from 'commander';
import { AccessReportView } from '../../contract/access-report.schema.js';
import type { BrokenGlassView } from '../../contract/break-glass-report.schema.js';
import {
  BREAK_GLASS_REVIEWS,
  BreakGlassReportView,
} from '../../contract/break-glass-report.schema.js';
import type { Columns } from '../../contract/report.tables.js';
import {
  ACCESS_COLUMNS,
  accessRows,
  BROKEN_GLASS_COLUMNS,
  csvTable,
} from '../../contract/report.tables.js';
import { invariant } from '../../domain/problem.js';
import { reviewTable } from './audit-review.text.js';
import { readPages } from './broker.pages.js';
import type { ClientOptions, CommandDeps, Running } from './client.command.js';
import { acting, clientCommand } from './client.command.js';
import { EXIT } from './exit.codes.js';
import { knownAnswer } from './known.answer.js';
import { INSTANT_FORMS, maybeInstant } from './local.instant.js';
import { count } from './option.readers.js';
import { clockText, distanceText } from './person.time.js';
import type { Line } from './styled.text.js';
import { styled, table } from './styled.text.js';

interface ReportOptions extends ClientOptions {
  readonly from?: string;
  readonly until?: string;
  readonly format: 'table' | 'json' | 'csv';
}
interface AccessOptions extends ReportOptions {
  readonly by?: 'group' | 'namespace';
}
interface GlassOptions extends ReportOptions {
  readonly review?: (typeof BREAK_GLASS_REVIEWS)[number];
  readonly limit: number;
}

/** `hallpass audit report …`: what auditors are asked for. */
export function addReportCommands(audit: Command, deps: CommandDeps): void {
  const report = new NewCommand('report').description(
    'reports for auditors; reading one is an event of the audit log',
  );
  reportCommand(report.command('access'))
    .description('who asked for what, per group and per namespace, and which reviews are overdue')
    .addOption(
      new Option('--by <what>', 'only for groups, or only for namespaces').choices([
        'group',
        'namespace',
      ]),
    )
    .action(acting<AccessOptions, []>(deps, runAccess));
  reportCommand(report.command('break-glass'))
    .description('who broke the glass, and which reviews are overdue')
    .addOption(
      new Option(
        '--review <state>',
        'only where the review is lacking, late or done; without --from, of all times where it is lacking',
      ).choices(BREAK_GLASS_REVIEWS),
    )
    .option('--limit <count>', 'so many sessions at most', count, 1_000)
    .action(acting<GlassOptions, []>(deps, runGlass));
  audit.addCommand(report);
}

function reportCommand(command: Command): Command {
  return clientCommand(command)
    .option(
      '--from <instant>',
      `of this instant and later, half a year by default: ${INSTANT_FORMS} 30d for thirty days ago`,
    )
    .option('--until <instant>', 'earlier than this instant (default: now)')
    .addOption(
      new Option('--format <format>', 'of standard output')
        .choices(['table', 'json', 'csv'])
        .default('table'),
    );
}

async function runAccess(running: Running & { readonly options: AccessOptions }) {
  const { by } = running.options;
  const broker = await running.broker();
  const { value, raw } = await broker.call('/v1/audit/reports/access', AccessReportView, {
    query: { ...spanOf(running), by },
  });
  const rows = accessRows(value);
  await shown(running, { raw, columns: ACCESS_COLUMNS, rows }, () => {
    const { now } = running.moment;
    const heads = ['PEOPLE', 'ASKED', 'DENIED', 'STARTED', 'GLASS', 'OVERDUE', 'LAST'];
    const part = (head: string, kind: 'group' | 'namespace'): Line[] => {
      if (by !== undefined && by !== kind) return [];
      const lines = rows
        .filter((it) => it.by === kind)
        .map((it) => [
          it.name,
          ...[it.people, it.asked, it.denied, it.started, it.brokenGlass].map(String),
          it.reviewsOverdue > 0 ? styled('red', String(it.reviewsOverdue)) : '0',
          distanceText(new Date(it.lastAskedAt), now),
        ]);
      return lines.length === 0 ? [] : [...table([head, ...heads], lines), ''];
    };
    return [
      ...spanLines(running, value),
      ...(rows.length === 0 ? ['Nobody asked for anything.'] : []),
      ...part('GROUP', 'group'),
      ...part('NAMESPACE', 'namespace'),
      ...(value.more ? ['There are more than are told: ask for a shorter time.'] : []),
    ];
  });
  return EXIT.ok;
}

async function runGlass(running: Running & { readonly options: GlassOptions }) {
  const { review, limit } = running.options;
  const { items, more, raw } = await readPages(
    await running.broker(),
    '/v1/audit/reports/break-glass',
    { shape: BreakGlassReportView, query: { ...spanOf(running), review }, limit },
  );
  const report = invariant(knownAnswer(BreakGlassReportView, raw), 'pages that are known');
  await shown(running, { raw, columns: BROKEN_GLASS_COLUMNS, rows: items }, () => [
    ...spanLines(running, report),
    ...(items.length === 0
      ? ['Nobody broke the glass.']
      : table(
          ['WHEN', 'WHO', 'NAMESPACE', 'SESSION', 'REVIEW', 'REASON'],
          items.map((it) => glassRow(running, it)),
        )),
    ...(more ? ['There are more: see --limit.'] : []),
    '',
    ...overdueLines(running, report),
  ]);
  if (more && running.options.format === 'csv')
    running.tell(styled('yellow', 'There are more: see --limit.'));
  return EXIT.ok;
}

function glassRow(running: Running, it: BrokenGlassView) {
  const { state, finding, dueAt } = it.review;
  return [
    clockText(new Date(it.at), running.moment),
    it.who.email ?? it.who.name ?? it.who.sub,
    `${it.cluster}/${it.namespace}`,
    it.session,
    state === 'overdue'
      ? styled('red', `overdue, ${distanceText(new Date(dueAt), running.moment.now)}`)
      : (finding ?? `due ${distanceText(new Date(dueAt), running.moment.now)}`),
    it.reason,
  ];
}

function overdueLines(running: Running, { overdue }: BreakGlassReportView): Line[] {
  const { breakGlass, auditReviews } = overdue;
  if (breakGlass === 0 && auditReviews.length === 0) return ['No review is overdue.'];
  return [
    styled('red', `Overdue now: ${breakGlass} of break-glass sessions, ${auditReviews.length} saved.`), // prettier-ignore
    ...(auditReviews.length === 0 ? [] : reviewTable(auditReviews, running)),
  ];
}

function spanLines(
  running: Running,
  { from, until }: { readonly from: string; readonly until: string },
): Line[] {
  const [begin, end] = [from, until].map((it) => clockText(new Date(it), running.moment));
  return [Date.parse(from) === 0 ? `Before ${end}:` : `From ${begin} to ${end}:`, ''];
}

function spanOf(running: Running & { readonly options: ReportOptions }) {
  const { from, until } = running.options;
  return {
    from: maybeInstant(from, running.moment, { option: '--from', relative: 'past' }),
    until: maybeInstant(until, running.moment, { option: '--until', relative: 'past' }),
  };
}

async function shown<T>(
  running: Running & { readonly options: ReportOptions },
  { raw, columns, rows }: { raw: unknown; columns: Columns<T>; rows: readonly T[] },
  lines: () => readonly Line[],
): Promise<void> {
  const { format } = running.options;
  if (format === 'csv') return running.world.screen.out(csvTable(columns, rows));
  if (format === 'json') return running.world.screen.out(`${JSON.stringify(raw, null, 2)}\n`);
  return running.show(raw, lines);
}
