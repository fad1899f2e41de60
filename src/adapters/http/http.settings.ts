import type { SocketSettings } from './socket.settings.js';

/** A client of an issuer, with which people sign in from the command line. */
export interface SignInClient {
  readonly issuer: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
  readonly resource: string | null;
}

/** How the API is served; made from the configuration by the composition root. */
export abstract class HttpSettings {
  /** The program's version, for `/openapi.json`. */
  abstract readonly version: string;
  /** The address under which people reach the API, without a trailing slash. */
  abstract readonly publicUrl: string;
  /** PEM texts; absent: plain HTTP, behind a proxy that speaks HTTPS. */
  abstract readonly tls?: { readonly cert: string; readonly key: string };
  /**
   * Whose `X-Forwarded-For` is believed: nobody's, that of the proxies at these addresses and CIDRs, or, with `true`,
   * that of whoever connects, its right-most entry.
   */
  abstract readonly trustProxy: boolean | readonly string[];
  /** The certificate authority of `publicUrl`, PEM, for kubeconfigs; absent: one that every system knows. */
  abstract readonly caPem?: string;
  abstract readonly streams: StreamSettings;
  abstract readonly sockets: SocketSettings;
  /** The origins whose pages may open WebSockets; none: that of `publicUrl`. */
  abstract readonly origins: readonly string[];
  abstract readonly signIn: readonly SignInClient[];
  /** Where people look at a trace; absent: nowhere. */
  abstract readonly traceLink?: (traceId: string) => string;
}

/** The bounds of streams of events (SSE). */
export interface StreamSettings {
  readonly perPersonMax: number;
  readonly totalMax: number;
  readonly heartbeatSeconds: number;
  /** How often the store is looked at although no news came: news may be lost. */
  readonly lookSeconds: number;
  /** How long a reader may leave what was sent unread. */
  readonly stalledSeconds: number;
}

export const STREAMS: StreamSettings = {
  perPersonMax: 20,
  totalMax: 1_000,
  heartbeatSeconds: 15,
  lookSeconds: 5,
  stalledSeconds: 30,
};

/** The bounds of one request. Larger ones are refused before they are read. */
export const REQUEST_BOUNDS = {
  bodyBytesMax: 65_536,
  /** A command of kubectl is in its URL, where each byte may take three. */
  headerBytesMax: 131_072,
  jsonDepthMax: 32,
  /** The whole of a request must have arrived by then. */
  requestSeconds: 20,
  /** A connection on which nothing moves is closed. */
  idleSeconds: 60,
  keepAliveSeconds: 72,
} as const;
