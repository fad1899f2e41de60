/** The files of a log that was taken out of a broker: a folder, or an archive. Paths are those of C2SP's tlog-tiles. */
export abstract class LogFiles {
  /** @returns undefined where there is no such file. Throws where it cannot be read. */
  abstract read(path: string): Promise<Buffer | undefined>;
}

/** The same, to be written to. A file is there whole or not at all. */
export abstract class WritableLogFiles extends LogFiles {
  abstract write(path: string, bytes: Buffer): Promise<void>;
}
