/** Every metric of Hallpass's own; docs/metrics.md is made from it. No label ever names a person, Pod or namespace. */
export const METRICS = {
  setInfo: {
    name: 'hallpass_policy_set_info',
    type: 'gauge',
    labels: ['hash'],
    help: 'Always 1: the policy set in force as this replica knows it is the one with this hash.',
    use: 'More than one hash among the replicas for longer than a few seconds: one is cut off from the database.',
  },
  setActivated: {
    name: 'hallpass_policy_set_activated_timestamp_seconds',
    type: 'gauge',
    labels: [],
    help: 'When the policy set in force was put in force, in seconds since 1970.',
    use: 'Shows switches beside whatever else changed at that time.',
  },
  loadFailures: {
    name: 'hallpass_policy_load_failures_total',
    type: 'counter',
    labels: [],
    help: 'How often policy documents were refused, from the folders or from the database.',
    use: 'Alert on any increase: somebody believes that a change is in force which is not.',
  },
  folderDiffers: {
    name: 'hallpass_policy_folder_differs',
    type: 'gauge',
    labels: [],
    help: 'Whether the folders of this replica hold something else (1) than the policy set in force (0).',
    use: 'Alert where it is 1 for longer than a roll-out takes.',
  },
  blocked: {
    name: 'hallpass_policy_blocked',
    type: 'gauge',
    labels: [],
    help: 'Whether this replica cannot read the policy set in force (1) and so decides nothing.',
    use: 'Alert on 1: the replicas are of different versions.',
  },
  sessions: {
    name: 'hallpass_sessions',
    type: 'gauge',
    labels: ['state'],
    help: 'Sessions that are not over, by state. Of all replicas together: take the maximum, not the sum.',
    use: 'Alert where `ending` stays above 0 for minutes: a container does not end.',
  },
  reviewsOpen: {
    name: 'hallpass_reviews_open',
    type: 'gauge',
    labels: [],
    help: 'Break-glass sessions that owe a review, overdue or not. Of all replicas together: take the maximum, not the sum.',
    use: 'Shows how often the glass is broken, and how fast reviews follow.',
  },
  reviewsOverdue: {
    name: 'hallpass_reviews_overdue',
    type: 'gauge',
    labels: [],
    help: 'Break-glass sessions whose review is overdue. Of all replicas together: take the maximum, not the sum.',
    use: 'Alert on more than 0.',
  },
  onCallUp: {
    name: 'hallpass_on_call_source_up',
    type: 'gauge',
    labels: ['source'],
    help: 'Whether the latest attempt of this replica to ask an on-call source was answered (1) or not (0). Left out until it is asked.',
    use: 'Alert on 0: soon nobody is known to be on call by it, and rules that ask for that let nobody in.',
  },
  onCallSuccess: {
    name: 'hallpass_on_call_source_last_success_timestamp_seconds',
    type: 'gauge',
    labels: ['source'],
    help: 'When an on-call source last answered this replica, in seconds since 1970. Left out where it never did.',
    use: 'Shows how long one has been away. A source is asked only when somebody asks for a session.',
  },
  streamsOpen: {
    name: 'hallpass_streams',
    type: 'gauge',
    labels: ['kind'],
    help: 'Streams into containers that are open on this replica, by kind: `terminal`, `exec`, `copy`, `forward`, `logs`.',
    use: 'Shows whom a restart of this replica would disconnect.',
  },
  streamsOpened: {
    name: 'hallpass_streams_opened_total',
    type: 'counter',
    labels: ['kind'],
    help: 'Streams into containers that were opened on this replica, by kind.',
    use: 'Shows how much is done by which way.',
  },
  streamBytes: {
    name: 'hallpass_stream_bytes_total',
    type: 'counter',
    labels: ['kind', 'direction'],
    help: 'Bytes that passed through this replica, by kind, `in` to the container or `out` of it.',
    use: 'Shows what takes the network and the recordings; a rise of `copy` out of containers may be worth a question.',
  },
  recordingsOpen: {
    name: 'hallpass_recordings_open',
    type: 'gauge',
    labels: [],
    help: 'Recordings that this replica is making now.',
    use: 'Above 0 long after it was drained: something holds it.',
  },
  recordingChunks: {
    name: 'hallpass_recording_chunks_total',
    type: 'counter',
    labels: [],
    help: 'Chunks of recordings that this replica stored.',
    use: 'Standing still while recordings are open and busy: the store is away.',
  },
  recordingBytes: {
    name: 'hallpass_recording_stored_bytes_total',
    type: 'counter',
    labels: [],
    help: 'Bytes of recordings that this replica stored, compressed.',
    use: 'Tells how fast the store fills up.',
  },
  recordingFailures: {
    name: 'hallpass_recording_failures_total',
    type: 'counter',
    labels: [],
    help: 'Recordings that could not begin or go on, or have a gap, for want of a store.',
    use: 'Alert on any increase: strict sessions end by it.',
  },
  recordingsAbandoned: {
    name: 'hallpass_recordings_abandoned_total',
    type: 'counter',
    labels: [],
    help: 'Recordings that this replica ended after another one was lost.',
    use: 'Look for the replica that died.',
  },
  sinkLagEvents: {
    name: 'hallpass_audit_sink_lag_events',
    type: 'gauge',
    labels: ['sink'],
    help: 'Events of the audit log that a sink does not have yet. Of all replicas together: take the maximum, not the sum.',
    use: 'Shows how far behind one is. Nothing is lost: it has them when it is back.',
  },
  sinkLagSeconds: {
    name: 'hallpass_audit_sink_lag_seconds',
    type: 'gauge',
    labels: ['sink'],
    help: 'Age of the oldest event of the audit log that a sink does not have yet, in seconds; 0 where it has all. Of all replicas together: take the maximum.',
    use: 'Alert where it is above some minutes: the sink is away, or refuses us.',
  },
  sinkDeadLetters: {
    name: 'hallpass_audit_sink_dead_letters',
    type: 'gauge',
    labels: ['sink'],
    help: 'Events of the audit log that a sink refused for good and that were put by. Of all replicas together: take the maximum.',
    use: 'Alert on any increase, and look at `audit_dead_letters`: these events are in the log and not in the sink.',
  },
} as const satisfies Record<string, Metric>;

export interface Metric {
  readonly name: string;
  readonly type: 'gauge' | 'counter';
  readonly labels: readonly string[];
  readonly help: string;
  /** What an operator does with it. */
  readonly use: string;
}
