import { randomUUID } from 'node:crypto';
import { Command, Option } from 'commander';
import {
  AuditReviewDetails,
  AuditReviewPage,
  AuditReviewView,
} from '../../contract/audit-review.schema.js';
import { invariant } from '../../domain/problem.js';
import { AUDIT_FINDINGS } from '../../domain/review/audit-review.js';
import { reviewItems, reviewLines, reviewTable } from './audit-review.text.js';
import type { Filters } from './audit-search.commands.js';
import { filterOf, filterOptions } from './audit-search.commands.js';
import { readPages } from './broker.pages.js';
import type { ClientOptions, CommandDeps, Running } from './client.command.js';
import { acting, clientCommand } from './client.command.js';
import { CommandFailure, trouble } from './command.failure.js';
import type { ExitCode } from './exit.codes.js';
import { EXIT } from './exit.codes.js';
import { knownAnswer } from './known.answer.js';
import { INSTANT_FORMS, instantText } from './local.instant.js';
import { count } from './option.readers.js';
import { Questions } from './questions.js';
import { readSession } from './session.follower.js';
import { sessionLines } from './session.text.js';

const PATH = '/v1/audit/reviews';
const REVIEW = ['<review>', 'the saved review'] as const;
const YES = ['-y, --yes', 'do not ask whether you are sure'] as const;

interface ListOptions extends ClientOptions {
  readonly state: string;
  readonly limit: number;
}
interface OpenOptions extends ClientOptions, Filters {
  readonly due: string;
  readonly text?: string;
  readonly sessions?: readonly string[];
}
interface ShowOptions extends ClientOptions {
  readonly only?: string;
  readonly limit: number;
}
interface SignOptions extends ClientOptions {
  readonly finding: string;
  readonly comment: string;
  readonly yes?: boolean;
}
interface CloseOptions extends ClientOptions {
  readonly reason: string;
  readonly yes?: boolean;
}

/** `hallpass audit reviews …`: lists of sessions that auditors sign off. */
export function addReviewCommands(audit: Command, deps: CommandDeps): void {
  const reviews = new Command('reviews').description(
    'saved reviews: lists of sessions that auditors sign off one by one',
  );
  clientCommand(reviews.command('list'))
    .description('the saved reviews, the soonest due first')
    .addOption(
      new Option('--state <state>', 'which of them')
        .choices(['open', 'overdue', 'closed'])
        .default('open'),
    )
    .option('--limit <count>', 'so many at most', count, 50)
    .action(acting<ListOptions, []>(deps, runList));
  filterOptions(clientCommand(reviews.command('open')))
    .description('save the sessions that a search finds now, to be signed off')
    .argument('<title>', 'what it is about')
    .requiredOption('--due <instant>', `by when: ${INSTANT_FORMS} 14d for in fourteen days`)
    .option('--text <words>', 'only with these words')
    .option('--sessions <id...>', 'these sessions, instead of a search')
    .action(acting<OpenOptions, [string]>(deps, runOpen));
  clientCommand(reviews.command('show'))
    .description('a saved review and its sessions')
    .argument(...REVIEW)
    .addOption(
      new Option('--only <which>', 'only sessions that are left, or that are done').choices([
        'open',
        'signed-off',
      ]),
    )
    .option('--limit <count>', 'so many sessions at most', count, 50)
    .action(acting<ShowOptions, [string]>(deps, runShow));
  clientCommand(reviews.command('sign-off'))
    .description('say what you find of a session; a later word stands instead of an earlier one')
    .argument(...REVIEW)
    .argument('<session>', 'one of its sessions, in which you had no part')
    .addOption(
      new Option('--finding <finding>', 'what you find')
        .choices(AUDIT_FINDINGS)
        .makeOptionMandatory(),
    )
    .requiredOption('--comment <text>', 'what you looked at, and what follows from it')
    .option(...YES)
    .action(acting<SignOptions, [string, string]>(deps, runSignOff));
  clientCommand(reviews.command('close'))
    .description('close a saved review of which sessions are left; the last one signed off does it')
    .argument(...REVIEW)
    .requiredOption('--reason <text>', 'why, though sessions are left')
    .option(...YES)
    .action(acting<CloseOptions, [string]>(deps, runClose));
  audit.addCommand(reviews);
}

async function runList(running: Running & { readonly options: ListOptions }): Promise<ExitCode> {
  const { state, limit } = running.options;
  const page = { shape: AuditReviewPage, query: { state }, limit };
  const { items, more, raw } = await readPages(await running.broker(), PATH, page);
  await running.show(raw, () => {
    if (items.length === 0) return [`No saved review is ${state}.`];
    const lines = reviewTable(items, running);
    return more ? [...lines, 'There are more: see --limit.'] : lines;
  });
  return EXIT.ok;
}

async function runOpen(
  running: Running & { readonly options: OpenOptions },
  title: string,
): Promise<ExitCode> {
  const { due, sessions, text } = running.options;
  const filter = {
    ...filterOf(running.options, running.moment),
    ...(text === undefined ? {} : { text }),
  };
  const isNamed = sessions !== undefined;
  if (isNamed && Object.keys(filter).length > 0)
    throw trouble('Give --sessions or what finds them, and not both.');
  const dueAt = instantText(due, running.moment, { option: '--due', relative: 'future' });
  const { value, raw } = await (
    await running.broker()
  ).call(PATH, AuditReviewView, {
    method: 'POST',
    headers: { 'idempotency-key': randomUUID() },
    body: { title, dueAt, ...(isNamed ? { sessions } : { filter }) },
  });
  await running.show(raw, () => [
    ...reviewLines(value, running),
    '',
    `Go through them with: hallpass audit reviews show ${value.id} --only open`,
  ]);
  return EXIT.ok;
}

async function runShow(
  running: Running & { readonly options: ShowOptions },
  id: string,
): Promise<ExitCode> {
  const { only, limit } = running.options;
  const page = { shape: AuditReviewDetails, query: { only }, limit };
  const { items, more, raw } = await readPages(await running.broker(), pathOf(id), page);
  const { review } = invariant(knownAnswer(AuditReviewDetails, raw), 'pages that are known');
  await running.show(raw, () => [
    ...reviewLines(review, running),
    '',
    ...(items.length === 0 ? ['No session of it is so.'] : reviewItems(items, running)),
    ...(more ? ['There are more: see --limit.'] : []),
  ]);
  return EXIT.ok;
}

async function runSignOff(
  running: Running & { readonly options: SignOptions },
  id: string,
  session: string,
): Promise<ExitCode> {
  const { finding, comment } = running.options;
  const broker = await running.broker();
  const { value: shown } = await readSession(broker, session);
  running.tell(...sessionLines(shown, running.moment), '');
  await sure(running, `Do you sign this off as ${finding}?`);
  const path = pathOf(id, `/sessions/${encodeURIComponent(session)}`);
  const { value, raw } = await broker.call(path, AuditReviewView, {
    method: 'POST',
    headers: { 'idempotency-key': randomUUID() },
    body: { finding, comment },
  });
  await running.show(raw, () => [leftText(value)]);
  return EXIT.ok;
}

async function runClose(
  running: Running & { readonly options: CloseOptions },
  id: string,
): Promise<ExitCode> {
  const { reason } = running.options;
  const broker = await running.broker();
  const { value: before } = await broker.call(pathOf(id), AuditReviewDetails, {
    query: { limit: 1 },
  });
  running.tell(...reviewLines(before.review, running), '');
  await sure(running, 'Do you close it, for good?');
  const { value, raw } = await broker.call(pathOf(id, '/close'), AuditReviewView, {
    method: 'POST',
    body: { reason },
  });
  await running.show(raw, () => [leftText(value)]);
  return EXIT.ok;
}

async function sure(
  running: Running & { readonly options: { readonly yes?: boolean } },
  question: string,
): Promise<void> {
  if (running.options.yes === true) return;
  if (!running.asks) throw trouble('Nobody can be asked here: say --yes if you are sure.');
  if (!(await new Questions(running.world).sure(question)))
    throw new CommandFailure(EXIT.trouble, 'Nothing was done.');
}

function leftText({ title, state, signedOff, sessions }: AuditReviewView): string {
  const done = `${signedOff} of ${sessions} sessions are signed off`;
  return state === 'closed' ? `"${title}" is closed: ${done}.` : `"${title}": ${done}.`;
}

function pathOf(id: string, rest = ''): string {
  return `${PATH}/${encodeURIComponent(id)}${rest}`;
}
