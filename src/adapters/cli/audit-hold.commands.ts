import type { Command } from 'commander';
import { AuditHoldList, AuditHoldView } from '../../contract/audit-hold.schema.js';
import type { ClientOptions, CommandDeps } from './client.command.js';
import { acting, clientCommand } from './client.command.js';
import { EXIT } from './exit.codes.js';
import { clockText } from './person.time.js';
import { table } from './styled.text.js';

interface WhyOptions extends ClientOptions {
  readonly reason: string;
  readonly ticket?: string;
}

interface HoldOptions extends WhyOptions {
  readonly session?: string;
  readonly from?: string;
  readonly until?: string;
}

/** `hallpass audit hold`, `holds` and `release`: what has to be kept beyond its time. */
export function addHoldCommands(audit: Command, deps: CommandDeps): void {
  withWhy(clientCommand(audit.command('hold')))
    .description('keep events and recordings beyond their time, until the hold is released')
    .option('--session <id>', 'only what is of this session')
    .option('--from <instant>', 'only what happened at this instant (RFC 3339) and later')
    .option('--until <instant>', 'only what happened earlier than this instant')
    .action(
      acting<HoldOptions, []>(deps, async (running) => {
        const { session, from, until, reason, ticket } = running.options;
        const broker = await running.broker();
        const { value, raw } = await broker.call('/v1/audit/holds', AuditHoldView, {
          method: 'POST',
          body: given({ session, from, until, reason, ticket }),
        });
        await running.show(raw, () => [
          `What happened ${whatOf(value)} is kept until the hold ${value.id} is released.`,
        ]);
        return EXIT.ok;
      }),
    );
  clientCommand(audit.command('holds'))
    .description('the holds that stand, the newest first')
    .action(
      acting<ClientOptions, []>(deps, async (running) => {
        const broker = await running.broker();
        const { value, raw } = await broker.call('/v1/audit/holds', AuditHoldList);
        await running.show(raw, () =>
          value.items.length === 0
            ? ['There are none.']
            : table(
                ['ID', 'SINCE', 'BY', 'WHAT', 'TICKET', 'REASON'],
                value.items.map((it) => [
                  it.id,
                  clockText(new Date(it.at), running.moment),
                  it.by.sub,
                  whatOf(it),
                  it.ticket ?? '',
                  it.reason.split('\n')[0] ?? '',
                ]),
              ),
        );
        return EXIT.ok;
      }),
    );
  withWhy(clientCommand(audit.command('release')))
    .description('release a hold')
    .argument('<id>', 'the hold')
    .action(
      acting<WhyOptions, [string]>(deps, async (running, id) => {
        const { reason, ticket } = running.options;
        const broker = await running.broker();
        const path = `/v1/audit/holds/${encodeURIComponent(id)}/release`;
        const { value, raw } = await broker.call(path, AuditHoldView, {
          method: 'POST',
          body: given({ reason, ticket }),
        });
        await running.show(raw, () => [
          `What happened ${whatOf(value)} is kept for its time, and for other holds.`,
        ]);
        return EXIT.ok;
      }),
    );
}

function withWhy(command: Command): Command {
  return command
    .requiredOption('--reason <text>', 'why, for the audit log')
    .option('--ticket <ticket>', 'where it is written down');
}

function given(all: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

function whatOf({ session, from, until }: AuditHoldView): string {
  const words = [
    ...(session === null ? [] : [`in session ${session}`]),
    ...(from === null ? [] : [`from ${from}`]),
    ...(until === null ? [] : [`until ${until}`]),
  ];
  return words.length === 0 ? 'at any time' : words.join(' ');
}
