import { pino } from 'pino';
import { prettyFactory } from 'pino-pretty';
import type { DestinationStream, Logger } from 'pino';
import { Journal } from '../../app/ports/journal.js';
import { StandardOutput } from './standard.output.js';
import { toldMessage } from './told.error.js';
import { toldFacts } from './told.facts.js';

export interface LogSettings {
  readonly level: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';
  /** `json`, a line each, for machines; `pretty` for people. */
  readonly format: 'json' | 'pretty';
}

/** Explicit paths, never wildcards (pino's own advice): where a secret could come by mistake, it is not written. */
const REDACTED = ['req.headers.authorization', 'req.headers.cookie', 'token', 'password'];

/**
 * The program's one logger.
 *
 * @param more what each line says besides, such as of which trace it is.
 * @param to where it goes; standard output where left out.
 */
export function makeLogger(
  settings: LogSettings,
  more?: () => object,
  to?: DestinationStream,
): Logger {
  const options = {
    level: settings.level,
    redact: { paths: REDACTED, censor: '[redacted]' },
    formatters: { log: toldFacts },
    // Pino's own for errors copies all that they carry: they are told already when it comes to these.
    serializers: {
      err: same,
      msg: (text: unknown) => (typeof text === 'string' ? toldMessage(text) : text),
    },
    ...(more ? { mixin: more } : {}),
  };
  if (to) return loggerTo(to);
  const output = new StandardOutput();
  const logger = loggerTo(output);
  output.onWayBack((lines) =>
    logger.warn({ lines }, 'lines of the log could not be written, and are lost'),
  );
  return logger;

  function loggerTo(destination: DestinationStream): Logger {
    return pino(options, settings.format === 'json' ? destination : prettily(destination));
  }
}

/** Line by line and at once: what a process says last is said. */
function prettily(destination: DestinationStream): DestinationStream {
  const pretty = prettyFactory({});
  return { write: (line) => destination.write(pretty(line)) };
}

function same(told: unknown): unknown {
  return told;
}

/** The journal of the use cases, in the program's log. */
export class PinoJournal extends Journal {
  constructor(private readonly logger: Logger) {
    super();
  }

  info(facts: object, message: string): void {
    this.logger.info(facts, message);
  }

  warn(facts: object, message: string): void {
    this.logger.warn(facts, message);
  }

  error(facts: object, message: string): void {
    this.logger.error(facts, message);
  }
}
