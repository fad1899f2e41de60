/** The files of a log that was taken out of a broker: a folder, or an archive. Paths are those of C2SP's tlog-tiles. */
export abstract class LogFiles {
  /** @returns undefined where there is no such file. Throws where it cannot be read. */
  abstract read(path: string): Promise<Buffer | undefined>;

  /** Whether there may be files below a folder. Where there are none, nobody need ask for each. */
  holds(_folder: string): Promise<boolean> {
    return Promise.resolve(true);
  }
}

/** The same, to be written to. A file is there whole or not at all. */
export abstract class WritableLogFiles extends LogFiles {
  abstract write(path: string, bytes: Buffer): Promise<void>;
}
