import { createHash } from 'node:crypto';
import type { Caller } from '../../app/caller.js';
import type { ListTargets } from '../../app/list-targets.js';
import type { Clusters } from '../../app/ports/cluster.js';
import type { Journal } from '../../app/ports/journal.js';
import type { SessionStore } from '../../app/ports/session.store.js';
import type { SlackApi, SlackView } from '../../app/ports/slack.api.js';
import { isSlackRefusal } from '../../app/ports/slack.api.js';
import type { RequestSession } from '../../app/request-session.js';
import { sessionPath } from '../../app/views/session.view.js';
import type { NewSession } from '../../contract/session.schema.js';
import { canonicalJson } from '../../domain/audit/canonical.js';
import { isProblem } from '../../domain/problem.js';
import { askedLines, problemLines } from './ask.answer.js';
import { isWrong, parseDebugCommand } from './debug.command.js';
import type { Prefill, TargetOption } from './debug.modal.js';
import {
  debugView,
  fieldErrors,
  PROFILE_SEARCH,
  placeIn,
  readDebugForm,
  TARGET_SEARCH,
  waitingView,
} from './debug.modal.js';
import { closed, options } from './modal.parts.js';
import type { Ack, Answer } from './prompt.answer.js';
import { promptly, viewOf } from './prompt.answer.js';
import type { SlackCallers } from './slack.callers.js';
import { isNotServed } from './slack.callers.js';
import type { CommandSent, FormSent, SearchTyped, ShortcutSent } from './slack.payloads.js';
import type { z } from 'zod';

const NONE = { options: [] };

/** Asking from Slack: `/debug`, the shortcut on a message, and the form that both open. */
export class SlackDesk {
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
  async command(sent: z.infer<typeof CommandSent>, ack: Ack): Promise<void> {
    const words = parseDebugCommand(sent.text.trim());
    if (isWrong(words)) {
      await ack({ response_type: 'ephemeral', text: words.wrong });
      return;
    }
    await Promise.all([
      ack(),
      this.openForm({ userId: sent.user_id, triggerId: sent.trigger_id, find: async () => words }),
    ]);
  }

  /** The link to the message becomes the reference. */
  async shortcut(sent: z.infer<typeof ShortcutSent>, ack: Ack): Promise<void> {
    const { channel, message } = sent;
    const find = async (): Promise<Prefill> => {
      const found = await this.deps.api.permalink({ channel: channel.id, ts: message.ts });
      return isSlackRefusal(found) || found.url.length > 200 ? {} : { ticket: found.url };
    };
    await Promise.all([
      ack(),
      this.openForm({ userId: sent.user.id, triggerId: sent.trigger_id, find }),
    ]);
  }

  /** What is offered for what was typed in a field. Whoever may not ask is offered nothing. */
  async search(sent: z.infer<typeof SearchTyped>, ack: Ack): Promise<void> {
    await ack(await this.found(sent));
  }

  /** The form as it was sent: the answer is in its place, and what is wrong beside its fields. */
  async submit({ user, view }: z.infer<typeof FormSent>, ack: Ack): Promise<void> {
    const read = readDebugForm(view);
    if ('errors' in read) {
      await ack({ response_action: 'errors', errors: read.errors });
      return;
    }
    await promptly({
      ack,
      work: this.ask(user.id, view.id, read.asked),
      later: (answer) => this.show(view.id, viewOf(answer)),
    });
  }

  private async openForm(args: {
    readonly userId: string;
    readonly triggerId: string;
    readonly find: () => Promise<Prefill>;
  }): Promise<void> {
    const { api, callers, journal } = this.deps;
    const opened = await api.openView({ triggerId: args.triggerId, view: waitingView() });
    if (isSlackRefusal(opened)) {
      journal.warn({ slack: opened }, 'a form could not be opened in Slack');
      return;
    }
    const [caller, prefill] = await Promise.all([
      callers.of(args.userId, 'session:request'),
      args.find(),
    ]);
    const view = isNotServed(caller) ? closed(caller.why) : await this.formFor(caller, prefill);
    await this.show(opened.id, view);
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

  private async found({ user, action_id: action, value, view }: z.infer<typeof SearchTyped>) {
    const place = placeIn(view, this.clusters());
    if (!place || !this.clusters().includes(place.cluster)) return NONE;
    const caller = await this.deps.callers.of(user.id, 'session:request');
    if (isNotServed(caller)) return NONE;
    const listed = await this.deps.targets.list(caller, place);
    if (isProblem(listed)) return NONE;
    const typed = value.trim().toLowerCase();
    const fits = (name: string) => name.toLowerCase().includes(typed);
    if (action === TARGET_SEARCH) {
      return options(listed.items.filter(({ name }) => fits(name)).map(targetOption));
    }
    if (action !== PROFILE_SEARCH) return NONE;
    const names = listed.profiles.map(({ name }) => name).filter(fits);
    return options(names.map((name) => [name, name]));
  }

  private async ask(userId: string, viewId: string, asked: NewSession): Promise<Answer> {
    const { callers, asking, store, publicUrl } = this.deps;
    const caller = await callers.of(userId, 'session:request');
    if (isNotServed(caller)) return caller;
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

function targetOption({ kind, name }: { kind: string; name: string }): TargetOption {
  return [`${kind}/${name}`, `${name} (${kind})`];
}

function targetOf(target: NewSession['target']) {
  if ('pod' in target) return { kind: 'pod', name: target.pod } as const;
  const { kind, name, pick = 'unhealthy-first' } = target.workload;
  return { kind: 'workload', workload: kind, name, pick } as const;
}

function hashOf(asked: NewSession): string {
  return createHash('sha256').update(canonicalJson(asked)).digest('hex');
}
