import type { FastifyRequest } from 'fastify';
import type { LogOptions } from '../../../app/ports/cluster.pods.js';
import type { Problem } from '../../../domain/problem.js';
import { problem } from '../../../domain/problem.js';

const COMMAND_PARTS_MAX = 1_000;
const COMMAND_BYTES_MAX = 32 * 1024;

/** The query of a request. Fastify's own parser would make one command word a text and two a list. */
export function queryOf(request: FastifyRequest): URLSearchParams {
  return new URLSearchParams(request.url.split('?').slice(1).join('?'));
}

/** `true` and `1`, as the API server and the kubelet write it. */
export function isSet(query: URLSearchParams, name: string): boolean {
  const value = query.get(name);
  return value === 'true' || value === '1';
}

/** The command words of an exec; a problem where there are none, or far too many, or too long ones. */
export function commandIn(query: URLSearchParams): readonly string[] | Problem {
  const command = query.getAll('command');
  if (command.length === 0) {
    return problem(
      'invalid-request',
      'Say which command is to be run: kubectl exec POD -- COMMAND.',
    );
  }
  const bytes = command.reduce((sum, word) => sum + Buffer.byteLength(word), 0);
  if (command.length <= COMMAND_PARTS_MAX && bytes <= COMMAND_BYTES_MAX) return command;
  return problem(
    'too-large',
    'A command has at most 1000 words and 32 KiB here: send what is longer as input, kubectl exec -i POD -- sh < SCRIPT.',
  );
}

/** The name that a list or a watch is of; undefined: all. A selector that is not of this form is a problem. */
export function nameIn(query: URLSearchParams): string | undefined | Problem {
  const selector = query.get('fieldSelector') ?? '';
  if (selector === '') return undefined;
  const name = /^metadata\.name==?([a-z0-9.-]{1,253})$/.exec(selector)?.[1];
  return (
    name ??
    problem('invalid-request', 'Pods can be selected by the field metadata.name alone here.')
  );
}

/** How long a watch is wanted, in seconds, within what is given at most. */
export function watchSeconds(query: URLSearchParams, secondsMax: number): number {
  const wanted = Number(query.get('timeoutSeconds') ?? secondsMax);
  return wanted >= 1 ? Math.min(wanted, secondsMax) : secondsMax;
}

const NUMBERS = ['tailLines', 'sinceSeconds', 'limitBytes'] as const;

/** What part of which log is meant; what is no number of that kind is a problem, as Kubernetes has it. */
export function logOptions(query: URLSearchParams): Omit<LogOptions, 'container'> | Problem {
  const numbers: Partial<Record<(typeof NUMBERS)[number], number>> = {};
  for (const name of NUMBERS) {
    const given = query.get(name);
    if (given === null) continue;
    if (!/^\d{1,12}$/.test(given)) {
      return problem('invalid-request', `${name} must be a whole number, not negative.`);
    }
    numbers[name] = Number(given);
  }
  const sinceTime = query.get('sinceTime');
  if (sinceTime !== null && Number.isNaN(Date.parse(sinceTime))) {
    return problem('invalid-request', 'sinceTime must be a time (RFC 3339).');
  }
  return {
    follow: isSet(query, 'follow'),
    previous: isSet(query, 'previous'),
    timestamps: isSet(query, 'timestamps'),
    ...numbers,
    ...(sinceTime === null ? {} : { sinceTime: new Date(sinceTime).toISOString() }),
  };
}
