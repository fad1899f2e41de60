/** Somewhere over HTTP that says who is on call. */
export interface OnCallSource {
  readonly name: string;
  readonly description: string;
  readonly url: string;
  readonly shape: OnCallShape;
  /** By what it names people: e-mails compare without regard to case, subjects letter for letter. */
  readonly match: OnCallMatch;
  /** The name of the secret that it is asked with (the configuration's `onCall.secrets`); null: none is sent. */
  readonly secret: string | null;
  /** How long one answer may take, all its pages together. */
  readonly timeoutSeconds: number;
  /** How long an answer is used without asking again. */
  readonly maxAgeSeconds: number;
  /** How old an answer may be while no newer one can be had: {@link maxAgeSeconds} at least. */
  readonly staleForSeconds: number;
}

export const ON_CALL_MATCHES = ['email', 'subject'] as const;
export type OnCallMatch = (typeof ON_CALL_MATCHES)[number];

/** How the answer is read. */
export type OnCallShape =
  /** PagerDuty's `GET /oncalls`. It names people by e-mail. */
  | { readonly kind: 'pagerduty' }
  /**
   * A list where `pointer` (RFC 6901) leads: of texts that name people, or, where `field` is given, of objects with
   * such a text in it.
   */
  | { readonly kind: 'generic'; readonly pointer: string; readonly field: string | null };

export type OnCallShapeKind = OnCallShape['kind'];
export const ON_CALL_SHAPES = ['pagerduty', 'generic'] as const satisfies OnCallShapeKind[];

/** An array index or any name, `~` and `/` escaped (RFC 6901 §3). The empty text is the whole document. */
export const JSON_POINTER = /^(\/([^~/]|~[01])*)*$/;
