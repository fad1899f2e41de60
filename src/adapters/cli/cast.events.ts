/** Something that was shown, and how long after what came before it. */
export interface CastEvent {
  readonly afterMs: number;
  /** As asciicast v3 has it: `o` output, `i` input, `r` resize, `m` marker, `x` exit. */
  readonly code: string;
  readonly data: string;
}

/** The event of a line of asciicast v3; undefined for the header, comments, and what is none. */
export function castEvent(line: string): CastEvent | undefined {
  if (!line.startsWith('[')) return undefined;
  const event = parsed(line);
  if (!Array.isArray(event) || event.length < 3) return undefined;
  const [interval, code, data] = event as unknown[];
  if (typeof interval !== 'number' || typeof code !== 'string' || typeof data !== 'string') {
    return undefined;
  }
  return { afterMs: Math.max(0, interval * 1000), code, data };
}

/** What a recording's header says of it. */
export interface CastHeader {
  readonly title: string;
  /** As `80x24`; empty where it is not said. */
  readonly size: string;
  /** Whether it was shown in a terminal, which had made new lines of line feeds. */
  readonly hadTerminal: boolean;
}

export function castHeader(line: string): CastHeader | undefined {
  const header = line.startsWith('{') ? parsed(line) : undefined;
  if (typeof header !== 'object' || header === null) return undefined;
  const title = 'title' in header && typeof header.title === 'string' ? header.title : '';
  const term: unknown = 'term' in header ? header.term : undefined;
  if (typeof term !== 'object' || term === null) return { title, size: '', hadTerminal: true };
  const { cols, rows, type } = term as { cols?: unknown; rows?: unknown; type?: unknown };
  return {
    title,
    size: typeof cols === 'number' && typeof rows === 'number' ? `${cols}x${rows}` : '',
    hadTerminal: type !== 'dumb',
  };
}

/** What a comment says: that a recording is broken, and where. */
export function castComment(line: string): string | undefined {
  return line.startsWith('# ') ? line.slice(2) : undefined;
}

export interface Pace {
  /** 2 is twice as fast. */
  readonly speed: number;
  /** The longest that nothing happens, before `speed`. */
  readonly idleSecondsMax: number;
}

/** How long to wait before an event is shown. */
export function pauseMs({ afterMs }: CastEvent, { speed, idleSecondsMax }: Pace): number {
  return Math.min(afterMs, idleSecondsMax * 1000) / speed;
}

/** The lines of a text that comes in parts, each without its end. The last may have none. */
export async function* linesOf(parts: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  // Of a line without an end so far: it is put together once, however many parts it has.
  let begun: string[] = [];
  for await (const part of parts) {
    const [first = '', ...others] = decoder.decode(part, { stream: true }).split('\n');
    begun.push(first);
    for (const next of others) {
      yield begun.join('');
      begun = [next];
    }
  }
  const rest = begun.join('') + decoder.decode();
  if (rest !== '') yield rest;
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
