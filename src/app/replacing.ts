/**
 * `inner` with these methods in the place of its own. Whatever else it is asked goes to it as it is: no argument is left out
 * on the way, and a method that `inner` gains later is there.
 */
export function replacing<T extends object>(inner: T, methods: Partial<T>): T {
  return new Proxy(inner, {
    get(target, name): unknown {
      const replaced: unknown = Reflect.get(methods, name);
      if (replaced !== undefined) return replaced;
      const own: unknown = Reflect.get(target, name);
      if (typeof own !== 'function') return own;
      const bound: unknown = own.bind(target);
      return bound;
    },
  });
}
