import { Command } from 'commander';
import { AuditPage } from '../../contract/audit.schema.js';
import { addReportCommands } from './audit-report.commands.js';
import { addReviewCommands } from './audit-review.commands.js';
import { addHoldCommands } from './audit-hold.commands.js';
import { addSearchCommands } from './audit-search.commands.js';
import { auditTable } from './audit.table.js';
import { readPages } from './broker.pages.js';
import type { ClientOptions, CommandDeps } from './client.command.js';
import { acting, clientCommand } from './client.command.js';
import type { EvidenceTools } from './evidence.commands.js';
import { addEvidenceCommand } from './evidence.commands.js';
import { EXIT } from './exit.codes.js';
import { addLogCommands } from './log.commands.js';
import { count } from './option.readers.js';

interface EventsOptions extends ClientOptions {
  readonly session?: string;
  readonly action?: string;
  readonly limit: number;
}

/** `hallpass audit events`. */
export function auditCommands(deps: CommandDeps, tools: () => Promise<EvidenceTools>): Command {
  const audit = new Command('audit').description('read, take out and verify the audit log');
  clientCommand(audit.command('events'))
    .description('events of the audit log, the newest first')
    .option('--session <id>', 'only of this session')
    .option('--action <action>', 'only of this action, as session.start')
    .option('--limit <count>', 'so many at most', count, 50)
    .action(
      acting<EventsOptions, []>(deps, async (running) => {
        const { session, action, limit } = running.options;
        const { items, more, raw } = await readPages(await running.broker(), '/v1/audit/events', {
          shape: AuditPage,
          query: { session, action },
          limit,
        });
        await running.show(raw, () => auditTable(items, { more, running }));
        return EXIT.ok;
      }),
    );
  addSearchCommands(audit, deps);
  addReportCommands(audit, deps);
  addReviewCommands(audit, deps);
  addHoldCommands(audit, deps);
  addLogCommands(audit, deps, tools);
  addEvidenceCommand(audit, deps);
  return audit;
}
