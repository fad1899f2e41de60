import type { TracePlace } from '../traceparent.js';
import { parseTraceparent, placeOf } from '../traceparent.js';
import type { Json } from './canonical.js';
import { canonicalJson } from './canonical.js';

/** The members of a JSON object. */
export type Fields = Readonly<Record<string, Json | undefined>>;

/** An event with its place, as formats for other tools are made from it. */
export interface LoggedEvent {
  readonly index: number;
  /** The canonical JSON that is in the log, byte by byte. */
  readonly text: string;
  readonly fields: Fields;
}

/** @throws SyntaxError where a body is no JSON, Error where it is no object: neither can be in a log that was signed. */
export function loggedEvent(index: number, body: Buffer): LoggedEvent {
  const text = body.toString('utf8');
  const value: unknown = JSON.parse(text);
  if (!isFields(value)) throw new Error(`the event at place ${index} is no JSON object`);
  return { index, text, fields: value };
}

/**
 * An event whose body was dropped at the end of its time, so that whoever counts places misses none: its id and hash,
 * and the time and action that its row has, which nothing proves.
 */
export function droppedEvent(of: {
  readonly index: number;
  readonly eventId: string;
  readonly at: Date;
  readonly action: string;
  readonly leafHash: Buffer;
}): LoggedEvent {
  const { index, eventId, at, action, leafHash } = of;
  const fields = {
    id: eventId,
    time: at.toISOString(),
    action,
    dropped: true,
    leafHash: leafHash.toString('hex'),
  };
  return { index, text: canonicalJson(fields), fields };
}

const ADDRESS = /^(\d{1,3}(\.\d{1,3}){3}|[0-9a-f.]*:[0-9a-f:.]*)$/i;

/** Whether a text looks like an address of the Internet Protocol. */
export function isAddress(text: string): boolean {
  return ADDRESS.test(text);
}

/** Where in which trace it happened, as far as it says so. */
export function tracePlaceOf(fields: Fields): TracePlace | undefined {
  const traceparent = parseTraceparent(fields['traceparent']);
  return traceparent && placeOf(traceparent);
}

/** A member that is an object; an empty one where it is none. */
export function within(fields: Fields, name: string): Fields {
  const value = fields[name];
  return isFields(value) ? value : {};
}

/** A member that is a text and not an empty one. */
export function textOf(fields: Fields, name: string): string | undefined {
  const value = fields[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** Those members of a list that are texts. */
export function textsOf(fields: Fields, name: string): readonly string[] {
  const value = fields[name];
  return isList(value) ? value.filter((item) => typeof item === 'string') : [];
}

/** Leaves out what is undefined or an empty object or list; undefined where nothing stays. */
export function compact(fields: Fields): Fields | undefined {
  const kept = Object.entries(fields).filter(([, value]) => !isNothing(value));
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}

function isNothing(value: Json | undefined): boolean {
  if (value === undefined) return true;
  if (isList(value)) return value.length === 0;
  return isFields(value) && Object.keys(value).length === 0;
}

function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
