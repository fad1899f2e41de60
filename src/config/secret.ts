import { inspect } from 'node:util';

/**
 * A text that must not reach logs or errors. However it is printed it says `[secret]`; `reveal()` gives the text to
 * whoever connects with it.
 */
export class Secret {
  #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** What it is from now on, for whoever reveals it the next time. */
  renew(text: string): void {
    this.#text = text;
  }

  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return '[secret]';
  }

  toJSON(): string {
    return '[secret]';
  }

  [inspect.custom](): string {
    return '[secret]';
  }
}

/** What on-call sources are asked with, and the hosts (as `URL.host`) that it may be sent to. */
export interface OnCallSecret {
  readonly value: Secret;
  readonly hosts: readonly string[];
}
