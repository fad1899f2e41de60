import { InvalidArgumentError } from 'commander';
import { durationSeconds } from '../../contract/duration.schema.js';

/** The seconds of `30m`, `1h30m` and the like. */
export function seconds(text: string): number {
  const found = durationSeconds(text);
  if (found === undefined) throw new InvalidArgumentError('It must be a duration such as 30m.');
  return found;
}

/** A whole number from 1 on. */
export function count(text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}

/** A number above 0, as 2 or 0.5. */
export function factor(text: string): number {
  const found = Number(text);
  if (!(found > 0 && found <= 1_000))
    throw new InvalidArgumentError('It must be a number above 0.');
  return found;
}
