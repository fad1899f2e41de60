import type { SlackView } from '../../app/ports/slack.api.js';
import { NewSession } from '../../contract/session.schema.js';
import { durationSeconds } from '../../contract/duration.schema.js';
import type { FieldError } from '../../domain/problem.js';
import type { DebugWords } from './debug.command.js';
import type { SlackForm } from './slack.payloads.js';
import type { FormPlace } from './debug.place.js';
import { placeText, placeTyped } from './debug.place.js';
import { chosen, closed, modal, pick, said, search, ticks, typed } from './modal.parts.js';
import type { TargetOption } from './target.option.js';
import { chosenTarget } from './target.option.js';

/** What views and their fields are called. */
export const DEBUG_FORM = 'hallpass_debug';
export const TARGET_SEARCH = 'hallpass_target';
export const PROFILE_SEARCH = 'hallpass_profile';
/** The fields that say where the others look. */
export const PLACE_FIELDS = ['cluster', 'namespace'] as const;
const GLASS = 'break-glass';
const NAMESPACE_MAX = 63;

/** The fields, by the block that each is in; and where the problem of a request is shown. */
const BLOCK_OF: Readonly<Record<string, string>> = {
  cluster: 'cluster',
  namespace: 'namespace',
  target: 'target',
  container: 'container',
  profile: 'profile',
  durationSeconds: 'duration',
  reason: 'reason',
  ticket: 'ticket',
};

export interface Offers {
  readonly clusters: readonly string[];
  readonly defaultDurationSeconds: number;
  /** The one that was named before, where it is there. */
  readonly target?: TargetOption;
}

/** What is known before the form is shown: from the command, or from the message that it was asked on. */
export type Prefill = DebugWords & { readonly ticket?: string };

/** What the fields of the form hold. */
interface Fields extends FormPlace {
  readonly target?: TargetOption | undefined;
  readonly container?: string | undefined;
  readonly profile?: readonly [value: string, label: string] | undefined;
  readonly duration?: string | undefined;
  readonly reason?: string | undefined;
  readonly ticket?: string | undefined;
  readonly isGlass?: boolean;
}

/** Shown at once, before anything is looked up. */
export function waitingView(): SlackView {
  return closed('One moment: Hallpass looks up what you may ask for.');
}

export function debugView(prefill: Prefill, offers: Offers): SlackView {
  const { cluster, namespace, durationSeconds: seconds, reason, ticket } = prefill;
  const { clusters, defaultDurationSeconds, target } = offers;
  const duration = lengthText(seconds ?? defaultDurationSeconds);
  return formView({ cluster, namespace, duration, reason, ticket, target }, clusters);
}

/** The form as somebody has filled it in so far, which looks where its fields say now. */
export function followingView(form: SlackForm, clusters: readonly string[]): SlackView {
  const words = (block: string) => said(form, block);
  return formView(
    {
      ...placeTyped(form, clusters),
      target: chosen(form, 'target'),
      container: words('container'),
      profile: chosen(form, 'profile'),
      duration: words('duration'),
      reason: words('reason'),
      ticket: words('ticket'),
      isGlass: words('glass') === GLASS,
    },
    clusters,
  );
}

function formView(fields: Fields, among: readonly string[]): SlackView {
  const clusters = among.slice(0, 100).filter((name) => name.length <= 75);
  const cluster = clusters.find((name) => name === fields.cluster) ?? only(clusters);
  const { namespace, target, container, profile, duration, reason, ticket, isGlass } = fields;
  return modal({
    callback: DEBUG_FORM,
    title: 'Ask for a session',
    submit: 'Ask',
    metadata: placeText({ cluster, namespace: namespace?.slice(0, NAMESPACE_MAX) }),
    blocks: [
      ...(clusters.length > 1
        ? [
            pick({
              block: 'cluster',
              label: 'Cluster',
              options: clusters,
              chosen: cluster,
              isTold: true,
            }),
          ]
        : []),
      typed({
        block: 'namespace',
        label: 'Namespace',
        max: NAMESPACE_MAX,
        initial: namespace,
        isTold: true,
        isOptional: true,
      }),
      search({
        block: 'target',
        label: 'Workload or Pod',
        action: TARGET_SEARCH,
        hint: 'A part of its name, or NAMESPACE/NAME',
        chosen: target,
      }),
      typed({
        block: 'container',
        label: 'Container',
        max: 63,
        initial: container,
        isOptional: true,
      }),
      search({
        block: 'profile',
        label: 'Profile',
        action: PROFILE_SEARCH,
        hint: 'What it can do',
        isOptional: true,
        chosen: profile,
      }),
      typed({
        block: 'duration',
        label: 'For how long (30m, 1h30m)',
        max: 30,
        initial: duration,
      }),
      typed({ block: 'reason', label: 'Why', max: 2_000, initial: reason, isLong: true }),
      typed({
        block: 'ticket',
        label: 'Ticket or incident',
        max: 200,
        initial: ticket,
        isOptional: true,
      }),
      ticks({
        block: 'glass',
        label: 'Emergency',
        option: [GLASS, 'Break the glass: in at once, reviewed by somebody else afterwards'],
        isTicked: isGlass ?? false,
      }),
    ],
  });
}

/**
 * @param names what {@link chosenTarget} names, where its name was cut.
 * @returns what is asked for, or what is wrong, by the block of the form that it is shown at.
 */
export function readDebugForm(
  form: SlackForm,
  names?: string,
): { readonly asked: NewSession } | { readonly errors: Readonly<Record<string, string>> } {
  const length = said(form, 'duration');
  const seconds = length === undefined ? undefined : durationSeconds(length.toLowerCase());
  if (length !== undefined && seconds === undefined) {
    return { errors: { duration: 'Write a duration such as 30m or 1h30m.' } };
  }
  const found = chosenTarget(said(form, 'target') ?? '');
  const [kind = '', name = ''] = [found?.kind, names ?? found?.name];
  const [cluster, namespace] = [said(form, 'cluster'), said(form, 'namespace')];
  const isElsewhere = (at: string | undefined, where: string | undefined) =>
    at !== undefined && where !== undefined && at !== where;
  if (isElsewhere(found?.namespace, namespace) || isElsewhere(found?.cluster, cluster)) {
    const where = [found?.cluster, found?.namespace].filter((it) => it !== undefined).join('/');
    const message = `It is in ${where}, and the form names another: choose one from there.`;
    return { errors: { target: message.slice(0, 150) } };
  }
  const parsed = NewSession.safeParse({
    ...optional('cluster', found?.cluster ?? cluster),
    namespace: namespace ?? found?.namespace ?? '',
    target: kind === 'Pod' ? { pod: name } : { workload: { kind, name } },
    ...optional('container', said(form, 'container')),
    ...optional('profile', said(form, 'profile')),
    reason: said(form, 'reason') ?? '',
    ...optional('ticket', said(form, 'ticket')),
    ...optional('durationSeconds', seconds),
    ...(said(form, 'glass') === GLASS ? { breakGlass: true } : {}),
  });
  if (parsed.success) return { asked: parsed.data };
  return {
    errors: fieldErrors(
      parsed.error.issues.map(({ path, message }) => ({ path: `/${path.join('/')}`, message })),
    ),
  };
}

/** The errors of a request where the form shows them; those of no field at the reason, which is always there. */
export function fieldErrors(errors: readonly FieldError[]): Record<string, string> {
  const shown: Record<string, string> = {};
  for (const { path, message } of errors) {
    const block = BLOCK_OF[path.split('/')[1] ?? ''] ?? 'reason';
    shown[block] ??= block === 'target' ? 'Choose one from the list.' : message.slice(0, 150);
  }
  return shown;
}

function optional<K extends string, V>(key: K, value: V | undefined) {
  return value === undefined ? {} : { [key]: value };
}

function only<T>(list: readonly T[]): T | undefined {
  return list.length === 1 ? list[0] : undefined;
}

function lengthText(seconds: number): string {
  const parts = [
    [Math.floor(seconds / 3600), 'h'],
    [Math.floor((seconds % 3600) / 60), 'm'],
    [seconds % 60, 's'],
  ] as const;
  return parts
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count}${unit}`)
    .join('');
}
