import type { Durations } from '../../app/ports/stopwatch.js';
import type { Histogram } from './metric.js';

const OF_EACH = 'Each replica tells of its own: add them up.';

/** How long things take: a histogram for each. */
export const DURATIONS = {
  timeToPrompt: {
    name: 'hallpass_time_to_prompt_seconds',
    type: 'histogram',
    labels: ['cluster'],
    buckets: [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120],
    help: `From when somebody opened a shell of a session that needs nobody’s consent any more, to the first byte that they were shown; the start of the container is in it where it was still to come. Shells that wait for a watcher are left out. ${OF_EACH}`,
    use: 'What the one who was paged waits for. Alert where one in ten takes longer than half a minute.',
  },
  consentWait: {
    name: 'hallpass_consent_wait_seconds',
    type: 'histogram',
    labels: ['outcome'],
    buckets: [5, 15, 30, 60, 120, 300, 600, 1_800, 3_600, 14_400],
    help: `How long sessions waited that need somebody’s consent: from when they were asked for to the last consent (\`approved\`), or to what ended the waiting: \`denied\`, \`withdrawn\`, \`revoked\`, \`lapsed\`. ${OF_EACH}`,
    use: 'Compare with what on-call can bear. Many that lapsed: the approvers of some rule are not there.',
  },
  sessionStart: {
    name: 'hallpass_session_start_seconds',
    type: 'histogram',
    labels: ['cluster', 'outcome'],
    buckets: [0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300],
    help: `From when a session was approved (or started, where that is done by hand) to when its container was seen to run (\`started\`) or could not be started (\`failed\`). ${OF_EACH}`,
    use: 'Compare with `hallpass_time_to_prompt_seconds`. Slow in one cluster: images are pulled there, or its API server is slow.',
  },
  httpRequest: {
    name: 'hallpass_http_request_duration_seconds',
    type: 'histogram',
    labels: ['method', 'route', 'status'],
    buckets: [0.025, 0.1, 0.25, 1, 2.5, 10],
    help: `From when a request came to when its answer began, by its method, by its route as the router has it (\`none\` where there is none), and by \`2xx\` and so on. Streams of events and WebSockets are left out. ${OF_EACH}`,
    use: 'Alert where one in a hundred takes longer than two seconds, or more than one in a hundred is `5xx`.',
  },
  clusterRequest: {
    name: 'hallpass_cluster_request_duration_seconds',
    type: 'histogram',
    labels: ['cluster', 'method', 'outcome'],
    buckets: [0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    help: `How long requests to API servers took, each try by itself: \`answered\`, \`refused\`, \`unreadable\`, or \`silent\` where no answer came within five seconds. Watches, logs and streams are left out. ${OF_EACH}`,
    use: 'Tells a slow cluster from a slow Hallpass. `silent` in one cluster alone: it cannot be reached.',
  },
} as const satisfies Record<keyof Durations, Histogram>;
