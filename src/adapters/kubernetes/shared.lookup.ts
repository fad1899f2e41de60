import { lookup } from 'node:dns';
import type { LookupAddress, LookupOptions } from 'node:dns';
import type { LookupFunction } from 'node:net';

type Answer = NodeJS.ErrnoException | readonly LookupAddress[];
type Ask = (
  host: string,
  options: LookupOptions & { all: true },
  answer: (error: NodeJS.ErrnoException | null, found: LookupAddress[]) => void,
) => void;

/**
 * Finds addresses of names, asking once for all who ask for the same at the same time. Each question holds one of the
 * four threads that Node has for files, names and compression, for as long as the resolver is silent: a cluster whose
 * name nobody answers for would soon hold all of them, and everything else would wait.
 */
export function sharing(ask: Ask): LookupFunction {
  const asked = new Map<string, Promise<Answer>>();
  return (host, options, callback) => {
    const key = JSON.stringify([host, options.family, options.hints, options.order]);
    let answer = asked.get(key);
    if (!answer) {
      answer = new Promise<Answer>((resolve) => {
        ask(host, { ...options, all: true }, (error, found) => resolve(error ?? found));
      })
        // A name that cannot be asked for at all: nobody may wait for that.
        .catch((error: unknown) => (error instanceof Error ? error : new Error(String(error))))
        .finally(() => asked.delete(key));
      asked.set(key, answer);
    }
    void answer.then((found) => {
      if (found instanceof Error) callback(found, '');
      else if (options.all === true) callback(null, [...found]);
      else callback(null, found[0]?.address ?? '', found[0]?.family);
    });
  };
}

export const sharedLookup = sharing(lookup);
