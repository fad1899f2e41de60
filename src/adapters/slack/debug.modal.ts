import type { SlackView } from '../../app/ports/slack.api.js';
import { NewSession } from '../../contract/session.schema.js';
import { durationSeconds } from '../../contract/duration.schema.js';
import type { FieldError } from '../../domain/problem.js';
import type { DebugWords } from './debug.command.js';
import type { SlackForm } from './slack.payloads.js';
import { closed, modal, pick, said, search, ticks, typed } from './modal.parts.js';

/** What views and their fields are called. */
export const DEBUG_FORM = 'hallpass_debug';
export const TARGET_SEARCH = 'hallpass_target';
export const PROFILE_SEARCH = 'hallpass_profile';

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

/** A workload or Pod, as a list of them is made of. */
export type TargetOption = readonly [value: string, label: string];

/** Shown at once, before anything is looked up. */
export function waitingView(): SlackView {
  return closed('One moment: Hallpass looks up what you may ask for.');
}

export function debugView(prefill: Prefill, offers: Offers): SlackView {
  const clusters = offers.clusters.slice(0, 100).filter((name) => name.length <= 75);
  const cluster = clusters.find((name) => name === prefill.cluster) ?? only(clusters);
  return modal({
    callback: DEBUG_FORM,
    title: 'Ask for a session',
    submit: 'Ask',
    metadata: '',
    blocks: [
      ...(clusters.length > 1
        ? [pick({ block: 'cluster', label: 'Cluster', options: clusters, chosen: cluster })]
        : []),
      typed({ block: 'namespace', label: 'Namespace', max: 63, initial: prefill.namespace }),
      search({
        block: 'target',
        label: 'Workload or Pod',
        action: TARGET_SEARCH,
        hint: 'Type a part of its name',
        chosen: offers.target,
      }),
      typed({ block: 'container', label: 'Container', max: 63, isOptional: true }),
      search({
        block: 'profile',
        label: 'Profile',
        action: PROFILE_SEARCH,
        hint: 'What it can do',
        isOptional: true,
      }),
      typed({
        block: 'duration',
        label: 'For how long (30m, 1h30m)',
        max: 30,
        initial: lengthText(prefill.durationSeconds ?? offers.defaultDurationSeconds),
      }),
      typed({ block: 'reason', label: 'Why', max: 2_000, initial: prefill.reason, isLong: true }),
      typed({
        block: 'ticket',
        label: 'Ticket or incident',
        max: 200,
        initial: prefill.ticket,
        isOptional: true,
      }),
      ticks({
        block: 'glass',
        label: 'Emergency',
        option: [
          'break-glass',
          'Break the glass: in at once, reviewed by somebody else afterwards',
        ],
      }),
    ],
  });
}

/** Where a search looks, as far as the form says. */
export function placeIn(form: SlackForm, clusters: readonly string[]) {
  const cluster = said(form, 'cluster') ?? only(clusters);
  const namespace = said(form, 'namespace');
  return cluster === undefined || namespace === undefined ? undefined : { cluster, namespace };
}

/** @returns what is asked for, or what is wrong, by the block of the form that it is shown at. */
export function readDebugForm(
  form: SlackForm,
): { readonly asked: NewSession } | { readonly errors: Readonly<Record<string, string>> } {
  const length = said(form, 'duration');
  const seconds = length === undefined ? undefined : durationSeconds(length.toLowerCase());
  if (length !== undefined && seconds === undefined) {
    return { errors: { duration: 'Write a duration such as 30m or 1h30m.' } };
  }
  const [kind = '', ...name] = (said(form, 'target') ?? '').split('/');
  const target =
    kind === 'Pod' ? { pod: name.join('/') } : { workload: { kind, name: name.join('/') } };
  const parsed = NewSession.safeParse({
    ...optional('cluster', said(form, 'cluster')),
    namespace: said(form, 'namespace') ?? '',
    target,
    ...optional('container', said(form, 'container')),
    ...optional('profile', said(form, 'profile')),
    reason: said(form, 'reason') ?? '',
    ...optional('ticket', said(form, 'ticket')),
    ...optional('durationSeconds', seconds),
    ...(said(form, 'glass') === 'break-glass' ? { breakGlass: true } : {}),
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
