/** What is to run in a container. */
export interface Wanted {
  readonly command: readonly string[];
  readonly tty: boolean;
}

/** A process in a container, by whatever way. */
export interface OpenProcess {
  /** How many bytes its standard output has brought. */
  readonly receivedBytes: number;
  write(text: string): Promise<void>;
  /** Resolves once so many bytes have come; throws where it ends before. */
  untilReceived(bytes: number): Promise<void>;
  untilOver(): Promise<void>;
  close(): void;
}

/** Counts what comes, for one who waits for it: the same for every way, so that none is counted dearer. */
export class Counted {
  private received = 0;
  private over = false;
  private heard: () => void = () => undefined;

  get receivedBytes(): number {
    return this.received;
  }

  took(bytes: number): void {
    this.received += bytes;
    this.heard();
  }

  ended(): void {
    this.over = true;
    this.heard();
  }

  async untilReceived(bytes: number): Promise<void> {
    while (this.received < bytes) {
      if (this.over) throw new Error(`ended after ${this.received} bytes of ${bytes}`);
      await new Promise<void>((resolve) => (this.heard = resolve));
    }
  }

  async untilOver(): Promise<void> {
    while (!this.over) await new Promise<void>((resolve) => (this.heard = resolve));
  }
}
