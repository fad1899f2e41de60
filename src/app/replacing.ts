/**
 * `inner` with these methods in the place of its own. Whatever else it is asked goes to it as it is: no argument is left out
 * on the way, and a method that `inner` gains later is there.
 */
export function replacing<T extends object>(inner: T, methods: Partial<T>): T {
  return new Proxy(inner, {
    get(target, name) {
      const own: unknown = Reflect.get(target, name);
      const replaced: unknown = Reflect.get(methods, name);
      return replaced ?? (typeof own === 'function' ? own.bind(target) : own);
    },
  });
}
