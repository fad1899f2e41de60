import pg from 'pg';

/** When a process dies: before a statement leaves, when it is on its way, or when it was answered. */
export type When = 'before' | 'sent' | 'answered';

/** From now on this process KILLs itself at the statement of this number. */
export function dieAtStatement(at: number | null, when: When): { readonly count: () => number } {
  let statements = 0;
  const client = pg.Client.prototype;
  // The pool calls it with what it is called with.
  const query = Reflect.get(client, 'query') as (...args: readonly unknown[]) => unknown;
  Reflect.set(client, 'query', function (this: unknown, ...args: unknown[]): unknown {
    statements += 1;
    const isIt = statements === at;
    if (isIt && when === 'before') die();
    // The pool's own statements are answered through a function, which comes last.
    if (isIt && when === 'answered' && typeof args.at(-1) === 'function')
      args[args.length - 1] = die;
    const answer = Reflect.apply(query, this, [...args]);
    if (isIt && when === 'sent') setImmediate(die);
    if (isIt && when === 'answered' && answer instanceof Promise) return answer.then(die);
    return answer;
  });
  return { count: () => statements };
}

function die(): void {
  process.kill(process.pid, 'SIGKILL');
  // Nothing of what follows may be done until the signal is there.
  for (;;);
}
