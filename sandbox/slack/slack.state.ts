import type { Message } from './slack.shapes.js';

/** What the page shows, as its server tells it. Blocks are as the broker wrote them: nothing in them is trusted. */
export interface SlackState {
  /** What the story is at; null where none is told. */
  readonly told: Told | null;
  readonly people: readonly { readonly name: string; readonly title: string }[];
  readonly channels: readonly ShownChannel[];
  readonly views: readonly ShownView[];
}

export interface Told {
  readonly step: number;
  /** As whom the page is to look at it. */
  readonly by: string | null;
  readonly sentence: string;
}

export interface ShownChannel {
  readonly id: string;
  readonly title: string;
  /** Whose direct messages these are; null: everybody's. */
  readonly person: string | null;
  readonly messages: readonly ShownMessage[];
}

export interface ShownMessage {
  readonly ts: string;
  readonly by: string;
  readonly text: string;
  readonly blocks: Message['blocks'];
  readonly isEdited: boolean;
  /** The one person who sees it; null: everybody. */
  readonly onlyFor: string | null;
  readonly thread: readonly ShownMessage[];
}

export interface ShownView {
  readonly person: string;
  readonly revision: number;
  readonly id: string;
  readonly title: string;
  /** The word on the button that sends it; null where it only says something. */
  readonly submit: string | null;
  readonly close: string;
  readonly blocks: Message['blocks'];
  readonly errors: Readonly<Record<string, string>>;
}
