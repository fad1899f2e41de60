import type { SlackView } from '../../app/ports/slack.api.js';
import { modal, typed } from './modal.parts.js';

/** The small forms that buttons open. What button it was is their metadata: its session, and the version that was seen. */
export const WORD_FORMS = {
  approve: 'hallpass_approve_form',
  deny: 'hallpass_deny_form',
  extend: 'hallpass_extend_form',
} as const;

export type WordForm = keyof typeof WORD_FORMS;

const SHAPES: Readonly<
  Record<WordForm, Omit<Parameters<typeof modal>[0], 'callback' | 'metadata'>>
> = {
  approve: {
    title: 'Approve',
    submit: 'Approve',
    blocks: [
      typed({ block: 'comment', label: 'Why: policy asks for it', max: 2_000, isLong: true }),
    ],
  },
  deny: {
    title: 'Deny',
    submit: 'Deny',
    blocks: [
      typed({ block: 'comment', label: 'Why, for the requester', max: 2_000, isLong: true }),
    ],
  },
  extend: {
    title: 'Extend',
    submit: 'Extend',
    blocks: [
      typed({
        block: 'duration',
        label: 'For how long from now: longer than is left (30m, 1h)',
        max: 30,
      }),
      typed({ block: 'comment', label: 'Why', max: 2_000, isLong: true, isOptional: true }),
    ],
  },
};

export function wordView(form: WordForm, buttonValue: string): SlackView {
  return modal({ callback: WORD_FORMS[form], metadata: buttonValue, ...SHAPES[form] });
}
