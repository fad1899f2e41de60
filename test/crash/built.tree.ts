import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../../sandbox/project.root.js';

/**
 * Where a program of the project was built to.
 *
 * @throws Error where it, or anything of `src` or its own folder, was not built since it was changed.
 */
export function builtProgram(folder: string, name: string): string {
  for (const tree of ['src', folder]) {
    for (const file of readdirSync(join(PROJECT_ROOT, tree), { recursive: true }).map(String)) {
      if (!file.endsWith('.ts') || file.endsWith('.test.ts')) continue;
      const source = join(tree, file);
      const built = join('dist', tree, file.replace(/\.ts$/, '.js'));
      if (changedMs(built) < changedMs(source)) {
        throw new Error(
          `${built} is not what ${source} says: run \`npm run build\`, then this test.`,
        );
      }
    }
  }
  return join(PROJECT_ROOT, 'dist', folder, `${name}.js`);
}

/** When a file of the project was last written, in milliseconds since 1970; 0 where there is none. */
function changedMs(path: string): number {
  return statSync(join(PROJECT_ROOT, path), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
