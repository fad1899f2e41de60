/** What is measured of how long things take, and by which words it is told apart: few, and never people or Pods. */
export interface Durations {
  /** From when somebody asked for a shell that nothing but Hallpass and the cluster kept from them, to its first output. */
  readonly timeToPrompt: { readonly cluster: string };
  /** From when a session could start to when its container was seen to run, or could not be started. */
  readonly sessionStart: { readonly cluster: string; readonly outcome: 'started' | 'failed' };
  /** From when a session was asked for that needs consent to the last consent, or to what ended the waiting. */
  readonly consentWait: { readonly outcome: ConsentOutcome };
  /** From when a request came to when its answer began. */
  readonly httpRequest: {
    readonly method: string;
    /** As the router has it, with `:name` for what differs; never an address as it came. */
    readonly route: string;
    /** `2xx` and so on. */
    readonly status: string;
  };
  /** One try of a request to an API server, from connecting to the last byte of its answer. */
  readonly clusterRequest: {
    readonly cluster: string;
    readonly method: string;
    readonly outcome: RequestOutcome;
  };
}

export const CONSENT_OUTCOMES = ['approved', 'denied', 'withdrawn', 'revoked', 'lapsed'] as const;
export type ConsentOutcome = (typeof CONSENT_OUTCOMES)[number];

/** Answered as was asked; refused by an answer; answered with what cannot be read; not answered in time, or at all. */
export type RequestOutcome = 'answered' | 'refused' | 'unreadable' | 'silent';

/** Takes down how long things took on this replica. */
export abstract class Stopwatch {
  abstract took<What extends keyof Durations>(
    what: What,
    seconds: number,
    labels: Durations[What],
  ): void;
}
