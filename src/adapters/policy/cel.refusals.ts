import { nearestName } from '../../domain/nearest.name.js';
import { LIMITS } from './cel.limits.js';

/** That a name means nothing, and which is likely to be meant. */
export function unknownName(what: string, name: string, names: readonly string[]): string {
  const near = nearestName(name, names);
  const hint = near === undefined ? among(names) : `: is "${near}" meant?`;
  return `there is no ${what} "${shortened(name)}"${hint}`;
}

function among(names: readonly string[]): string {
  return names.length === 0 || names.length > 10 ? '' : `: there is ${names.join(', ')}`;
}

/** That a call means nothing. `offered` are names with their number of arguments, as `size/1`. */
export function notOffered(name: string, count: number, offered: readonly string[]): string {
  const names = [...new Set(offered.map((it) => it.replace(/\/\d+$/, '')))];
  if (!names.includes(name)) return unknownName('function', name, names);
  return `${name}() does not take ${count} ${count === 1 ? 'argument' : 'arguments'}`;
}

export function tooManySteps(steps: number): string {
  const whole = (number: number): string =>
    number.toLocaleString('en-US', { maximumFractionDigits: 0 });
  return (
    `could take ${whole(steps)} steps over the largest facts, ${whole(LIMITS.steps)} at most are allowed: ` +
    'take out of loops what need not be in them, and look for one among many by "in" rather than by a loop'
  );
}

export function shortened(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
