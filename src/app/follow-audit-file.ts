import type { AuditedCluster, DetectBypass } from './detect-bypass.js';
import { pause } from './pause.js';
import type { AuditFile, AuditFiles } from './ports/audit.files.js';
import type { BypassStore } from './ports/bypass.store.js';
import type { Journal } from './ports/journal.js';

const LOOK_MS = 1_000;
const AFTER_FAILURE_MS = 5_000;
const READ_BYTES = 1024 * 1024;
/** The API server keeps bodies of up to 3 MB, which may be longer as JSON. */
const LINE_BYTES_MAX = 16 * 1024 * 1024;
const NEWLINE = 10;

/**
 * Reads the audit log files of a cluster's API server as they grow. How far is kept in the database after what was read
 * is written: whoever comes after a crash reads some lines again, and leaves out none.
 */
export class FollowAuditFile {
  private readonly stopping = new AbortController();
  private running: Promise<void> | undefined;

  constructor(
    private readonly deps: {
      readonly cluster: AuditedCluster;
      readonly path: string;
      readonly files: AuditFiles;
      readonly bypasses: BypassStore;
      readonly detect: DetectBypass;
      readonly journal: Journal;
    },
  ) {}

  start(): void {
    this.running = this.run();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  /** Reads what is there. Throws where files or database fail; what was read until then stays read. */
  async once(): Promise<void> {
    await this.deps.files.each(this.deps.path, (file) => this.read(file));
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      let waitMs = LOOK_MS;
      try {
        await this.once();
      } catch (error) {
        const { cluster, path, journal } = this.deps;
        journal.error({ err: error, cluster: cluster.name, path }, 'an audit log was not read');
        waitMs = AFTER_FAILURE_MS;
      }
      await pause(waitMs, signal);
    }
  }

  private async read(file: AuditFile): Promise<void> {
    const { cluster, bypasses } = this.deps;
    let position = await bypasses.position(cluster.name, file.id);
    // Emptied under the same first line: what is there now was never read.
    if (position > file.bytes) position = 0;
    let bytes = READ_BYTES;
    while (!this.stopping.signal.aborted && position < file.bytes) {
      const part = await file.read(position, bytes);
      const whole = part.lastIndexOf(NEWLINE) + 1;
      if (whole > 0) {
        await this.take(part.subarray(0, whole));
        position += whole;
        bytes = READ_BYTES;
      } else if (part.length < bytes) {
        // The line is still being written.
        return;
      } else if (bytes < LINE_BYTES_MAX) {
        bytes *= 2;
        continue;
      } else {
        this.deps.journal.error(
          { cluster: cluster.name, position },
          'a line of an audit log is too long',
        );
        position += part.length;
      }
      await bypasses.moveTo(cluster.name, file.id, position);
    }
  }

  private async take(lines: Buffer): Promise<void> {
    const entries = lines
      .toString('utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map(jsonOf);
    await this.deps.detect.take(this.deps.cluster, entries);
  }
}

/** Undefined where the line is no JSON: who reads entries counts it as one that cannot be read. */
function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
