/** The files of a log that was taken out of a broker: a folder, or an archive. Paths are those of C2SP's tlog-tiles. */
export abstract class LogFiles {
  /** @returns undefined where there is no such file. Throws where it cannot be read. */
  abstract read(path: string): Promise<Buffer | undefined>;
}
