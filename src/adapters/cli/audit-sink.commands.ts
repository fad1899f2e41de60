import type { Command } from 'commander';
import { AuditSinkList, DeadLetterPage, SinkReplayed } from '../../contract/audit-sink.schema.js';
import { readPages } from './broker.pages.js';
import type { ClientOptions, CommandDeps } from './client.command.js';
import { acting, clientCommand } from './client.command.js';
import { EXIT } from './exit.codes.js';
import { count } from './option.readers.js';
import { clockText } from './person.time.js';
import { table } from './styled.text.js';

interface LettersOptions extends ClientOptions {
  readonly limit: number;
}

interface WhyOptions extends ClientOptions {
  readonly reason: string;
  readonly ticket?: string;
}

/** `hallpass audit sinks`: where the log is delivered to, what was refused there, and delivering that again. */
export function addSinkCommands(audit: Command, deps: CommandDeps): void {
  const sinks = audit
    .command('sinks')
    .description('where the audit log is delivered to, and what was refused there');
  clientCommand(sinks.command('list', { isDefault: true }))
    .description('the sinks of the broker, and how each stands')
    .action(
      acting<ClientOptions, []>(deps, async (running) => {
        const broker = await running.broker();
        const { value, raw } = await broker.call('/v1/audit/sinks', AuditSinkList);
        await running.show(raw, () =>
          value.items.length === 0
            ? ['There are none.']
            : table(
                ['NAME', 'KIND', 'STATE', 'NEXT', 'BEHIND', 'DEAD LETTERS', 'LAST ERROR'],
                value.items.map((it) => [
                  it.name,
                  it.kind,
                  it.state,
                  String(it.next),
                  String(it.lagEvents),
                  it.replaying === 0
                    ? String(it.deadLetters)
                    : `${it.deadLetters} (${it.replaying} again)`,
                  it.lastError === null
                    ? ''
                    : `${clockText(new Date(it.lastError.at), running.moment)} ${it.lastError.words}`,
                ]),
              ),
        );
        return EXIT.ok;
      }),
    );
  clientCommand(sinks.command('dead-letters'))
    .description('the events that a sink refused for good, in their order')
    .argument('<name>', 'the sink')
    .option('--limit <count>', 'so many at most', count, 50)
    .action(
      acting<LettersOptions, [string]>(deps, async (running, name) => {
        const { items, more, raw } = await readPages(
          await running.broker(),
          `/v1/audit/sinks/${encodeURIComponent(name)}/dead-letters`,
          { shape: DeadLetterPage, query: {}, limit: running.options.limit },
        );
        await running.show(raw, () => {
          if (items.length === 0) return ['There are none.'];
          const lines = table(
            ['PLACE', 'ACTION', 'REFUSED', 'AGAIN', 'REASON'],
            items.map((it) => [
              String(it.index),
              it.action,
              clockText(new Date(it.at), running.moment),
              it.replayAt === null ? '' : 'soon',
              it.reason.split('\n')[0] ?? '',
            ]),
          );
          return more ? [...lines, 'There are more: see --limit.'] : lines;
        });
        return EXIT.ok;
      }),
    );
  clientCommand(sinks.command('replay'))
    .description('deliver again what a sink refused')
    .argument('<name>', 'the sink')
    .requiredOption('--reason <text>', 'why, for the audit log')
    .option('--ticket <ticket>', 'where it is written down')
    .action(
      acting<WhyOptions, [string]>(deps, async (running, name) => {
        const { reason, ticket } = running.options;
        const broker = await running.broker();
        const path = `/v1/audit/sinks/${encodeURIComponent(name)}/replay`;
        const { value, raw } = await broker.call(path, SinkReplayed, {
          method: 'POST',
          body: { reason, ...(ticket === undefined ? {} : { ticket }) },
        });
        await running.show(raw, () => [
          value.events === 0
            ? 'There is nothing more to deliver again.'
            : `${value.events === 1 ? 'One event is' : `${value.events} events are`} delivered again soon, in their order.`,
        ]);
        return EXIT.ok;
      }),
    );
}
