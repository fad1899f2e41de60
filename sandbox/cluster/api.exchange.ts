import type { ServerResponse } from 'node:http';
import type { Impersonated } from './impersonation.js';
import type { User } from './authenticator.js';
import type { Plural } from './object.store.js';
import type { RequestInfo } from './request.info.js';
import type { Resource } from './resource.catalog.js';
import type { Refusal } from './status.objects.js';

/** One authorized request for a resource that is served. */
export interface ApiRequest {
  method: string;
  /** Path and query as sent. */
  url: string;
  query: URLSearchParams;
  info: RequestInfo;
  /** Who it is authorized as: whom the requester acts as, where they act as somebody. */
  user: User;
  /** Who showed the credentials. */
  requester: User;
  impersonated?: Impersonated;
  contentType: string;
  accept: string;
  /** The body, or the refusal of one that is too large. */
  readBody: () => Promise<Buffer | Refusal>;
  /** What admission writes into the audit log. */
  annotations: Record<string, string>;
}

/** A request whose path names a resource of the store. */
export interface ResourceRequest extends ApiRequest {
  plural: Plural;
  resource: Resource;
}

export interface JsonReply {
  status: number;
  body: unknown;
  headers?: Record<string, string>;
}

/** An answer that goes on: a watch, a followed log. Resolves when it is over. */
export interface StreamReply {
  headers: Record<string, string>;
  write: (response: ServerResponse, gone: AbortSignal) => Promise<void>;
}

export type Reply = JsonReply | StreamReply | Refusal;
