import { problemType } from '../../contract/problem.schema.js';
import type { StreamEnd } from '../../app/enter-session.js';
import type { Problem } from '../../domain/problem.js';
import { PROBLEMS } from '../../domain/problem.js';
import type { Farewell } from './socket.connection.js';
import type { SocketSettings } from './socket.settings.js';

/** The close code (RFC 6455 §7.4) of each end; a refusal's is made of its status. */
const CODES = {
  exited: 1000,
  'session-over': 1000,
  left: 1000,
  lost: 4502,
  shutdown: 1001,
} as const satisfies Record<Exclude<StreamEnd['kind'], 'refused'>, number>;

/** Ends after which what was shown before is still worth waiting for. */
const PATIENT: ReadonlySet<StreamEnd['kind']> = new Set(['exited', 'lost']);

/** The last message to a client, and what goes with it. */
export function farewell(end: StreamEnd, settings: SocketSettings): Farewell {
  const graceSeconds = graceSecondsOf(end, settings);
  if (end.kind !== 'refused') {
    return { message: { type: 'end', ...end }, code: CODES[end.kind], graceSeconds };
  }
  const { status, title } = PROBLEMS[end.problem.problem];
  return {
    message: { type: 'end', kind: 'refused', problem: view(end.problem, { status, title }) },
    code: 4000 + status,
    graceSeconds,
  };
}

/** How long a client may take to read what is left and to close, by the end it is told of. */
export function graceSecondsOf(end: StreamEnd, settings: SocketSettings): number {
  return PATIENT.has(end.kind) ? settings.stalledSeconds : settings.closeSeconds;
}

/** As over HTTP, less the request that it is about: there is one for each connection. */
function view({ problem, detail }: Problem, { status, title }: { status: number; title: string }) {
  return { type: problemType(problem), title, status, detail };
}
