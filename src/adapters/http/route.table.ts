/** The methods that each address takes, as the router was told them. */
export class RouteTable {
  private readonly routes: { readonly method: string; readonly parts: readonly string[] }[] = [];

  /** @param url in the router's syntax: `:name` stands for one part, `*` for the rest. */
  add(methods: string | readonly string[], url: string): void {
    for (const method of [methods].flat()) this.routes.push({ method, parts: url.split('/') });
  }

  /** The methods that `path` takes; none where there is nothing at this address. */
  methodsAt(path: string): string[] {
    const parts = path.split('/');
    const methods = this.routes
      .filter((route) => matches(route.parts, parts))
      .map((it) => it.method);
    return [...new Set(methods)].sort();
  }

  /** All routes, as `METHOD /path`. */
  list(): string[] {
    return this.routes.map(({ method, parts }) => `${method} ${parts.join('/')}`).sort();
  }
}

function matches(route: readonly string[], path: readonly string[]): boolean {
  const star = route.indexOf('*');
  if (star < 0 ? route.length !== path.length : path.length <= star) return false;
  return route
    .slice(0, star < 0 ? undefined : star)
    .every((part, index) => part === path[index] || (part.startsWith(':') && path[index] !== ''));
}
