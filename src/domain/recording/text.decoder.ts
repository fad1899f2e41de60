/**
 * Bytes to text, part by part: characters that are cut apart between two parts are held back, so that no event holds
 * half of one. What is no UTF-8 becomes U+FFFD.
 */
export class PartDecoder {
  private readonly decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  private replaced = 0;

  /** How many replacement characters there were, those that were sent as such included. */
  get replacements(): number {
    return this.replaced;
  }

  decode(part: Uint8Array): string {
    return this.counted(this.decoder.decode(part, { stream: true }));
  }

  /** What was held back and is not completed any more. */
  end(): string {
    return this.counted(this.decoder.decode());
  }

  private counted(text: string): string {
    for (let at = text.indexOf('\uFFFD'); at >= 0; at = text.indexOf('\uFFFD', at + 1)) {
      this.replaced++;
    }
    return text;
  }
}
