import { createHash } from 'node:crypto';
import type { Caller } from '../../app/caller.js';
import type { ListTargets } from '../../app/list-targets.js';
import type { Clusters } from '../../app/ports/cluster.js';
import type { Journal } from '../../app/ports/journal.js';
import type { SessionStore } from '../../app/ports/session.store.js';
import type { SlackApi, SlackRefusal, SlackView } from '../../app/ports/slack.api.js';
import { isSlackRefusal } from '../../app/ports/slack.api.js';
import type { RequestSession } from '../../app/request-session.js';
import { sessionPath } from '../../app/views/session.view.js';
import type { NewSession } from '../../contract/session.schema.js';
import { canonicalJson } from '../../domain/audit/canonical.js';
import { isProblem } from '../../domain/problem.js';
import { askedLines, problemLines } from './ask.answer.js';
import { HELP, isHelp, isWrong, parseDebugCommand } from './debug.command.js';
import type { Prefill } from './debug.modal.js';
import {
  debugView,
  fieldErrors,
  followingView,
  PROFILE_SEARCH,
  readDebugForm,
  TARGET_SEARCH,
  waitingView,
} from './debug.modal.js';
import { placeIn, placeTyped, searchOf } from './debug.place.js';
import { LastOf } from './last.of.js';
import { closed, options, said } from './modal.parts.js';
import type { Ack, Answer } from './prompt.answer.js';
import { promptly, viewOf } from './prompt.answer.js';
import { section } from './slack.blocks.js';
import type { SentBy, SlackCallers } from './slack.callers.js';
import { isNotServed } from './slack.callers.js';
import type {
  Called,
  CommandSent,
  FieldTyped,
  FormSent,
  SearchTyped,
  ShortcutSent,
  SlackForm,
} from './slack.payloads.js';
import type { TargetOption } from './target.option.js';
import { chosenTarget, isChosen, targetOption } from './target.option.js';
import type { z } from 'zod';

const NONE = { options: [] };
/** What was sent is answered within 3 seconds; what is not known by then is told otherwise. */
const OPENED_MS_MAX = 1_500;
const TYPED_MS = 250;
const NOT_OPENED = 'Slack did not open the form in time. Try again.';

type FieldsWrong = { readonly errors: Readonly<Record<string, string>> };

/** Asking from Slack: `/debug`, the shortcut on a message, and the form that both open. */
export class SlackDesk {
  private readonly typing = new LastOf(TYPED_MS);

  constructor(
    private readonly deps: {
      readonly api: SlackApi;
      readonly callers: SlackCallers;
      readonly targets: Pick<ListTargets, 'list'>;
      readonly clusters: Pick<Clusters, 'list'>;
      readonly asking: Pick<RequestSession, 'ask'>;
      readonly store: Pick<SessionStore, 'decisions'>;
      readonly journal: Journal;
      readonly publicUrl: string;
      readonly defaultDurationSeconds: number;
    },
  ) {}

  /** The modal is opened before anything is looked up: a trigger holds for 3 seconds. */
  async command(sent: z.infer<typeof CommandSent> & Called, ack: Ack): Promise<void> {
    const said = (text: string) => ({ response_type: 'ephemeral', text });
    if (isHelp(sent.text)) return ack(said(HELP));
    const words = parseDebugCommand(sent.text.trim());
    if (isWrong(words)) return ack(said(words.wrong));
    const by = { userId: sent.user_id, requestId: sent.requestId };
    await this.openForm({
      by,
      triggerId: sent.trigger_id,
      find: async () => Promise.resolve(words),
      ack: async (why) => ack(why === undefined ? undefined : said(why)),
      late: async (why) => this.tell(sent.channel_id, sent.user_id, why),
    });
  }

  /** The link to the message becomes the reference. */
  async shortcut(sent: z.infer<typeof ShortcutSent> & Called, ack: Ack): Promise<void> {
    const { channel, message, user } = sent;
    const find = async (): Promise<Prefill> => {
      const found = await this.deps.api.permalink({ channel: channel.id, ts: message.ts });
      return isSlackRefusal(found) || found.url.length > 200 ? {} : { ticket: found.url };
    };
    const late = async (why: string) => this.tell(channel.id, user.id, why);
    await this.openForm({
      by: { userId: user.id, requestId: sent.requestId },
      triggerId: sent.trigger_id,
      find,
      // The answer to a shortcut says nothing.
      ack: async (why) => {
        await Promise.all([ack(), why === undefined ? undefined : late(why)]);
      },
      late,
    });
  }

  /** The form looks where its fields say, as soon as nobody types there any more. */
  async follow({ view }: z.infer<typeof FieldTyped>, ack: Ack): Promise<void> {
    await ack();
    if (!(await this.typing.isLast(view.id))) return;
    await this.show(view.id, followingView(view, this.clusters()));
  }

  /** What is offered for what was typed in a field. Whoever may not ask is offered nothing. */
  async search(sent: z.infer<typeof SearchTyped> & Called, ack: Ack): Promise<void> {
    await ack(await this.found(sent));
  }

  /** The form as it was sent: the answer is in its place, and what is wrong beside its fields. */
  async submit(
    { user, view, requestId }: z.infer<typeof FormSent> & Called,
    ack: Ack,
  ): Promise<void> {
    const by = { userId: user.id, requestId };
    const later = async (answer: Answer) => this.show(view.id, viewOf(answer));
    if (chosenTarget(said(view, 'target') ?? '')?.isCut === true) {
      return promptly({ ack, work: this.askUncut(by, view), later });
    }
    const read = readDebugForm(view);
    if ('errors' in read) return ack({ response_action: 'errors', errors: read.errors });
    const work = this.ask(by, view.id, async () => Promise.resolve(read.asked));
    await promptly({ ack, work, later });
  }

  private async openForm(args: {
    readonly by: SentBy;
    readonly triggerId: string;
    readonly find: () => Promise<Prefill>;
    /** Answers what was sent; with why no form was opened, where that is known in time. */
    readonly ack: (why?: string) => Promise<void>;
    /** Tells it where it was not. */
    readonly late: (why: string) => Promise<void>;
  }): Promise<void> {
    const { api, callers, journal } = this.deps;
    const opening = api.openView({ triggerId: args.triggerId, view: waitingView() });
    const early = await inTime(opening, OPENED_MS_MAX);
    const opened = early ?? (await this.ackThen(args.ack, opening));
    if (isSlackRefusal(opened)) {
      journal.warn({ slack: opened }, 'a form could not be opened in Slack');
      const why = isThere(opened) ? undefined : NOT_OPENED;
      if (early) await args.ack(why);
      else if (why !== undefined) await args.late(why);
      return;
    }
    if (early) await args.ack();
    const [caller, prefill] = await Promise.all([
      callers.of(args.by, 'session:request'),
      args.find(),
    ]);
    const view = isNotServed(caller) ? closed(caller.why) : await this.formFor(caller, prefill);
    await this.show(opened.id, view);
  }

  private async ackThen<T>(ack: () => Promise<void>, then: Promise<T>): Promise<T> {
    await ack();
    return then;
  }

  private async formFor(caller: Caller, prefill: Prefill): Promise<SlackView> {
    const clusters = this.clusters();
    const target = await this.named(caller, prefill);
    return debugView(prefill, {
      clusters,
      defaultDurationSeconds: this.deps.defaultDurationSeconds,
      ...(target ? { target } : {}),
    });
  }

  /** The workload or Pod that was named in the command, where it is there for them. */
  private async named(caller: Caller, prefill: Prefill): Promise<TargetOption | undefined> {
    const clusters = this.clusters();
    const cluster = prefill.cluster ?? (clusters.length === 1 ? clusters[0] : undefined);
    const { namespace, name } = prefill;
    if (cluster === undefined || namespace === undefined || name === undefined) return undefined;
    if (!clusters.includes(cluster)) return undefined;
    const listed = await this.deps.targets.list(caller, { cluster, namespace });
    const found = isProblem(listed) ? undefined : listed.items.find((item) => item.name === name);
    return found && targetOption(found);
  }

  private async found(sent: z.infer<typeof SearchTyped> & Called) {
    const { user, action_id: action, value, view, requestId } = sent;
    const text = action === TARGET_SEARCH ? value : value.replaceAll('/', '');
    const looked = searchOf(text, placeIn(view), this.clusters());
    if (!looked) return NONE;
    const by = { userId: user.id, requestId };
    const caller = await this.deps.callers.searching(by, 'session:request');
    if (!caller) return NONE;
    const { cluster, namespace, part, elsewhere } = looked;
    const listed = await this.deps.targets.list(caller, { cluster, namespace });
    if (isProblem(listed)) return NONE;
    const fits = (name: string) => name.toLowerCase().includes(part);
    if (action === TARGET_SEARCH) {
      const found = listed.items.filter(({ name }) => fits(name));
      return options(found.map((item) => targetOption(item, elsewhere)));
    }
    if (action !== PROFILE_SEARCH) return NONE;
    const names = listed.profiles.map(({ name }) => name).filter(fits);
    return options(names.map((name) => [name, name]));
  }

  /** Asks for a target whose name has no room in a form: it is found in the list that it was chosen from. */
  private async askUncut(by: SentBy, view: SlackForm): Promise<Answer> {
    const value = said(view, 'target') ?? '';
    const chosen = chosenTarget(value);
    const typed = placeTyped(view, this.clusters());
    const cluster = chosen?.cluster ?? typed.cluster;
    const namespace = chosen?.namespace ?? typed.namespace;
    const gone = { errors: { target: 'It is not there any more: choose another.' } };
    if (cluster === undefined || namespace === undefined) return gone;
    return this.ask(by, view.id, async (caller) => {
      const listed = await this.deps.targets.list(caller, { cluster, namespace });
      const found = isProblem(listed)
        ? undefined
        : listed.items.find((item) => isChosen(value, item));
      const read = found && readDebugForm(view, found.name);
      if (!read) return gone;
      return 'errors' in read ? read : read.asked;
    });
  }

  private async ask(
    by: SentBy,
    viewId: string,
    read: (caller: Caller) => Promise<NewSession | FieldsWrong>,
  ): Promise<Answer> {
    const { callers, asking, store, publicUrl } = this.deps;
    const caller = await callers.of(by, 'session:request');
    if (isNotServed(caller)) return caller;
    const asked = await read(caller);
    if ('errors' in asked) return asked;
    const { target, ...rest } = asked;
    // One form is one request, however often it is sent.
    const key = { key: `slack-${viewId}`, requestHash: hashOf(asked) };
    const came = await asking.ask(caller, { ...rest, target: targetOf(target) }, key);
    if (!isProblem(came)) {
      const link = `${publicUrl}${sessionPath(came.session.id).replace(/^\/v1/, '')}`;
      return { lines: askedLines(came, await store.decisions(came.session.id), link) };
    }
    const errors = AT_FIELD[came.problem];
    if (errors !== undefined) return { errors: { [errors]: came.detail.slice(0, 150) } };
    if (came.problem === 'invalid-fields') return { errors: fieldErrors(came.errors ?? []) };
    return { lines: problemLines(came) };
  }

  private async show(id: string, view: SlackView): Promise<void> {
    const shown = await this.deps.api.updateView({ id, view });
    // Whoever closed the modal does not see it: the session goes on all the same.
    if (isSlackRefusal(shown)) {
      this.deps.journal.warn({ slack: shown }, 'a form could not be changed in Slack');
    }
  }

  private async tell(channel: string | undefined, user: string, why: string): Promise<void> {
    if (channel === undefined) return;
    const told = await this.deps.api.ephemeral({
      channel,
      user,
      text: why,
      blocks: [section(why)],
    });
    if (isSlackRefusal(told)) {
      this.deps.journal.warn({ slack: told }, 'a refusal could not be told in Slack');
    }
  }

  private clusters(): string[] {
    return this.deps.clusters.list().map(({ name }) => name);
  }
}

/** Problems that one field of the form has caused. */
const AT_FIELD: Readonly<Record<string, string>> = {
  'target-not-found': 'target',
  'target-not-debuggable': 'target',
  'container-not-found': 'container',
};

function targetOf(target: NewSession['target']) {
  if ('pod' in target) return { kind: 'pod', name: target.pod } as const;
  const { kind, name, pick = 'unhealthy-first' } = target.workload;
  return { kind: 'workload', workload: kind, name, pick } as const;
}

/** Another try had opened it: it is there. */
function isThere(refusal: SlackRefusal): boolean {
  return refusal.refused === 'no' && refusal.word === 'exchanged_trigger_id';
}

async function inTime<T>(work: Promise<T>, ms: number): Promise<T | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(resolve, ms, undefined);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

function hashOf(asked: NewSession): string {
  return createHash('sha256').update(canonicalJson(asked)).digest('hex');
}
