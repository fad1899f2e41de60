import { randomUUID } from 'node:crypto';
import { Command, Option } from 'commander';
import { SessionDetails, SessionPage } from '../../contract/session.schema.js';
import { STATES } from '../../domain/session/session.machine.js';
import { readPages } from './broker.pages.js';
import type { ClientOptions, CommandDeps, Running } from './client.command.js';
import { acting, clientCommand } from './client.command.js';
import { EXIT } from './exit.codes.js';
import { count, seconds } from './option.readers.js';
import { lengthText, timeText } from './person.time.js';
import { readSession, sessionPathOf } from './session.follower.js';
import { overText, sessionLines, sessionTable, waitingText } from './session.text.js';
import type { Line } from './styled.text.js';
import { waitForSession } from './wait.for.session.js';

interface ListOptions extends ClientOptions {
  readonly mine?: boolean;
  readonly state?: readonly string[];
  readonly namespace?: string;
  readonly cluster?: string;
  readonly limit: number;
}

const ID = ['<id>', 'the session'] as const;

/** Reading sessions, waiting for them, and ending them. */
export function sessionCommands(deps: CommandDeps): Command[] {
  const sessions = new Command('sessions').alias('session').description('list and show sessions');
  clientCommand(sessions.command('list', { isDefault: true }))
    .description('sessions of yours and those that you may decide about, the newest first')
    .option('--mine', 'only those that you asked for')
    .addOption(new Option('--state <state...>', 'only those in these states').choices(STATES))
    .option('-n, --namespace <name>', 'only in this namespace')
    .option('--cluster <name>', 'only in this cluster')
    .option('--limit <count>', 'so many at most', count, 50)
    .action(acting<ListOptions, []>(deps, runList));
  clientCommand(sessions.command('show'))
    .description('all about one session')
    .argument(...ID)
    .action(
      acting<ClientOptions, [string]>(deps, async (running, id) => {
        const { value, raw } = await readSession(await running.broker(), id);
        await running.show(raw, () => sessionLines(value, running.moment));
        return EXIT.ok;
      }),
    );

  const wait = clientCommand(new Command('wait'))
    .description('wait until a session is active, or over')
    .argument(...ID)
    .addOption(
      new Option('--until <state>', 'wait for this')
        .choices(['approved', 'active', 'ended'])
        .default('active'),
    )
    .action(acting<ClientOptions & { readonly until: string }, [string]>(deps, runWait));

  const end = clientCommand(new Command('end'))
    .description('end a session of yours, or withdraw it')
    .argument(...ID)
    .action(
      acting<ClientOptions, [string]>(deps, async (running, id) =>
        act(running, sessionPathOf(id, '/end'), {}),
      ),
    );

  const revoke = clientCommand(new Command('revoke'))
    .description("end somebody else's session")
    .argument(...ID)
    .option('--comment <text>', 'why')
    .action(
      acting<ClientOptions & { readonly comment?: string }, [string]>(deps, async (running, id) => {
        const { comment } = running.options;
        return act(running, sessionPathOf(id, '/revoke'), comment === undefined ? {} : { comment });
      }),
    );

  const extend = clientCommand(new Command('extend'))
    .description('extend a session of yours, where its terms allow')
    .argument(...ID)
    .requiredOption('--for <duration>', 'how long from now, as 15m', seconds)
    .option('--reason <text>', 'why (default: as when it was asked for)')
    .action(
      acting<ClientOptions & { readonly for: number; readonly reason?: string }, [string]>(
        deps,
        async (running, id) => {
          const { for: durationSeconds, reason } = running.options;
          return act(
            running,
            sessionPathOf(id, '/extend'),
            { durationSeconds, ...(reason === undefined ? {} : { reason }) },
            { 'idempotency-key': `"${randomUUID()}"` },
            (session) =>
              `Session ${session.id} is being extended by ${lengthText(durationSeconds)} from now${
                session.deadline === null
                  ? ''
                  : `; until then it ends at ${timeText(session.deadline, running.moment)}`
              }.`,
          );
        },
      ),
    );
  return [sessions, wait, end, revoke, extend];
}

async function runList(running: Running & { readonly options: ListOptions }): Promise<number> {
  const { mine, state, namespace, cluster, limit, output } = running.options;
  const { items, more, raw } = await readPages(await running.broker(), '/v1/sessions', {
    shape: SessionPage,
    query: { mine: mine === true ? 'true' : undefined, state, namespace, cluster },
    limit,
  });
  await running.show(raw, () => {
    if (items.length === 0) return ['There are none.'];
    const { moment } = running;
    const lines = sessionTable(items, { moment, wide: output === 'wide' });
    return more ? [...lines, 'There are more: see --limit.'] : lines;
  });
  return EXIT.ok;
}

const REACHED = {
  approved: ['approved', 'starting', 'active'],
  active: ['active'],
  ended: ['ended', 'denied'],
} as const;

async function runWait(
  running: Running & { readonly options: ClientOptions & { readonly until: string } },
  id: string,
): Promise<number> {
  const { until } = running.options;
  const states: readonly string[] = REACHED[until as keyof typeof REACHED];
  const broker = await running.broker();
  const waited = await waitForSession(running, {
    broker,
    id,
    until: ({ state }) => states.includes(state),
  });
  if ('left' in waited) return waited.left;
  const { session } = waited;
  await running.show(session, () => [waitingText(session, running.moment)]);
  return EXIT.ok;
}

/** Does something to a session and says what became of it. */
export async function act(
  running: Running,
  path: string,
  body: object,
  headers: Readonly<Record<string, string>> = {},
  says: (session: SessionDetails) => Line = (session) =>
    session.state === 'ended' || session.state === 'denied'
      ? overText(session)
      : waitingText(session, running.moment),
): Promise<number> {
  const call = { method: 'POST', body, headers } as const;
  const { value, raw } = await (await running.broker()).call(path, SessionDetails, call);
  await running.show(raw, () => [says(value)]);
  return EXIT.ok;
}
