import type { SessionId } from '../../domain/session/session.js';

/** What `kubectl debug` called the container that it asked for, and what it asked to run in it. */
export interface KubeName {
  readonly session: SessionId;
  readonly name: string;
  /** Null: the profile's shell. */
  readonly command: readonly string[] | null;
  readonly stdin: boolean;
  readonly tty: boolean;
  readonly at: Date;
}

/** The names by which kubectl knows sessions, on any replica. */
export abstract class KubeNames {
  abstract add(name: KubeName): Promise<void>;
  /** Of these sessions, oldest first; of each session the newest few. */
  abstract of(sessions: readonly SessionId[]): Promise<KubeName[]>;
}
