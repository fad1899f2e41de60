import { randomUUID } from 'node:crypto';
import { Command } from 'commander';
import type { NewSession } from '../../contract/session.schema.js';
import { SessionDetails } from '../../contract/session.schema.js';
import type { BrokerClient } from './broker.client.js';
import type { ClientOptions, CommandDeps, Running } from './client.command.js';
import { acting, clientCommand } from './client.command.js';
import { CommandFailure, trouble } from './command.failure.js';
import { DebugQuestions } from './debug.questions.js';
import { targetOf } from './debug.wish.js';
import { enterTerminal } from './enter.terminal.js';
import type { ExitCode } from './exit.codes.js';
import { EXIT } from './exit.codes.js';
import { seconds } from './option.readers.js';
import { pipeCommand } from './pipe.command.js';
import { sessionPathOf } from './session.follower.js';
import { alikeText, overText, sessionLines, targetText } from './session.text.js';
import { waitForSession } from './wait.for.session.js';

interface DebugOptions extends ClientOptions {
  readonly namespace?: string;
  readonly cluster?: string;
  readonly container?: string;
  readonly profile?: string;
  readonly for?: number;
  readonly reason?: string;
  readonly ticket?: string;
  readonly breakGlass?: boolean;
  /** False with `--no-wait`. */
  readonly wait: boolean;
}

const AFTER = ' [-- command [argument...]]';

/** `hallpass debug`: asks for a session, waits for it, and enters it. */
export function debugCommand(deps: CommandDeps): Command {
  return clientCommand(new Command('debug'))
    .description('ask for a debug session, wait until it is granted, and enter it')
    .argument('[target]', 'NAME, pod/NAME, deployment/NAME and the like; asked for if left out')
    .usage(`[options] [target]${AFTER}`)
    .option('-n, --namespace <name>', 'the namespace')
    .option('--cluster <name>', 'the cluster, where there are several')
    .option('-c, --container <name>', 'the container of the Pod whose processes are to be seen')
    .option('--profile <name>', 'the debug profile, where there are several')
    .option('--for <duration>', 'how long, as 30m or 1h30m', seconds)
    .option('--reason <text>', 'why, for approvers and for the audit log')
    .option('--ticket <text>', 'the ticket or incident it belongs to')
    .option('--break-glass', 'be let in at once where policy offers it; others must review it then')
    .option('--no-wait', 'ask for it and say which it is, no more')
    .action(
      acting<DebugOptions, [string | undefined]>(deps, async (running, text) => {
        const broker = await running.broker();
        const { wish, profiles } = await wishOf(running, broker, text);
        const { value, raw, alike } = await broker
          .call('/v1/sessions', SessionDetails, {
            method: 'POST',
            body: wish,
            headers: { 'idempotency-key': `"${randomUUID()}"` },
          })
          .catch(async (error: unknown) => {
            throw lacksProfile(error, wish) ? profileMissing(await profiles()) : error;
          });
        if (value.state === 'denied') throw new CommandFailure(EXIT.denied, overText(value));
        if (alike) running.tell(alikeText(value));
        if (!running.options.wait) {
          await running.show(raw, () => sessionLines(value, running.moment));
          return EXIT.ok;
        }
        running.tell(`Session ${value.id}: ${targetText(value)}, profile ${value.request.profile}`);
        return enterWhenGranted(running, {
          broker,
          session: value.id,
          command: deps.after,
          seen: value,
        });
      }),
    );
}

/** `hallpass connect`: enters a session that was asked for before. */
export function connectCommand(deps: CommandDeps): Command {
  return clientCommand(new Command('connect'))
    .description('enter a session of yours, as soon as it is granted')
    .argument('<id>', 'the session')
    .usage(`[options] <id>${AFTER}`)
    .action(
      acting<ClientOptions, [string]>(deps, async (running, session) =>
        enterWhenGranted(running, { broker: await running.broker(), session, command: deps.after }),
      ),
    );
}

async function wishOf(
  running: Running & { readonly options: DebugOptions },
  broker: BrokerClient,
  text: string | undefined,
): Promise<{ wish: NewSession; profiles: () => Promise<string[]> }> {
  const { options } = running;
  const questions = new DebugQuestions(running, broker);
  const cluster = await questions.cluster(options.cluster);
  const namespace = await questions.namespace(options.namespace, cluster);
  // Looked up once at most, and only where it is needed.
  let looked: ReturnType<typeof questions.targets> | undefined;
  const targets = () => (looked ??= questions.targets(cluster.name, namespace));
  const target = await questions.target(text, targets);
  const profile = await questions.profile(options.profile, targets);
  const { container, ticket, breakGlass } = options;
  const wish = {
    cluster: cluster.name,
    namespace,
    target: targetOf(target),
    reason: await questions.reason(options.reason),
    ...(profile === undefined ? {} : { profile }),
    ...(container === undefined ? {} : { container }),
    ...(ticket === undefined ? {} : { ticket }),
    ...(options.for === undefined ? {} : { durationSeconds: options.for }),
    ...(breakGlass === true ? { breakGlass } : {}),
  };
  return { wish, profiles: async () => (await targets()).profiles.map(({ name }) => name) };
}

/** Whether the broker refuses a wish for naming no profile, where there are several. */
function lacksProfile(error: unknown, { profile }: NewSession): boolean {
  if (profile !== undefined || !(error instanceof CommandFailure)) return false;
  return error.problem?.errors?.some(({ path }) => path === '/profile') ?? false;
}

function profileMissing(names: readonly string[]): CommandFailure {
  const known = names.length === 0 ? '' : `: one of ${names.join(', ')}`;
  return trouble(
    `--profile is missing, and nobody can be asked: give it on the command line${known}.`,
  );
}

function mayEnter({ state }: SessionDetails): boolean {
  return state === 'approved' || state === 'starting' || state === 'active';
}

/** Waits for the consents, then enters; the broker itself waits for the container. */
async function enterWhenGranted(
  running: Running,
  at: {
    readonly broker: BrokerClient;
    readonly session: string;
    readonly command: readonly string[];
    /** As it was a moment ago: where there is nothing to wait for, it is not read again. */
    readonly seen?: SessionDetails;
  },
): Promise<ExitCode> {
  const { broker, session, seen } = at;
  const waited =
    seen && mayEnter(seen)
      ? { session: seen }
      : await waitForSession(running, { broker, id: session, until: mayEnter });
  if ('left' in waited) return waited.left;
  const { state, request } = waited.session;
  if (state === 'approved' && request.start === 'manual') {
    await broker.call(sessionPathOf(session, '/start'), SessionDetails, { method: 'POST' });
  }
  const { input, output } = running.world;
  const isTerminal = input.isTTY === true && output.isTTY === true;
  if (isTerminal) return enterTerminal(running, at);
  if (at.command.length > 0) return pipeCommand(running, at);
  throw new CommandFailure(
    EXIT.trouble,
    `There is no terminal here: give a command after --, or come back with hallpass connect ${session}.`,
  );
}
