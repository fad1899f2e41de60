/** One of the log files of an API server. */
export interface AuditFile {
  /** The SHA-256 (hex) of its first line: a name that stays when the file is renamed. */
  readonly id: string;
  readonly bytes: number;
  /** Up to so many bytes from there. */
  read(from: number, bytesMax: number): Promise<Buffer>;
}

/** The log files of API servers, with those that were rotated away. */
export abstract class AuditFiles {
  /**
   * Opens the file at the path and those beside it that it was before, hands each to `use`, oldest first, and closes
   * them. Empty files, and files whose first line is not whole yet, are left out.
   */
  abstract each(path: string, use: (file: AuditFile) => Promise<void>): Promise<void>;
}
