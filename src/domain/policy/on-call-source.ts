/** Where to ask who is on call: an OnCallSource document, all defaults written out. */
export interface OnCallSource {
  readonly name: string;
  readonly description: string;
  readonly url: string;
  readonly shape:
    | { readonly kind: 'pagerduty' }
    | {
        readonly kind: 'generic';
        /** A JSON pointer (RFC 6901) to a list of texts or of objects. */
        readonly pointer: string;
        /** The key of the objects that names the person; null where the list is of texts. */
        readonly field: string | null;
      };
  /** What the source names people by. */
  readonly match: 'email' | 'subject';
  /** The name of a secret of the configuration; null: none is sent. */
  readonly secret: string | null;
  readonly timeoutSeconds: number;
  /** How old an answer may be before it is asked for again. */
  readonly maxAgeSeconds: number;
  /** How old an answer may be while the source cannot be reached; after that nobody is known to be on call. */
  readonly staleForSeconds: number;
}
