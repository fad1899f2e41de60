import { resolve, sep } from 'node:path';

/**
 * What stands before the names of a folder's files: nothing where there is one folder; where there are several, as much
 * of each path, from its end, as tells all of them apart. A set so has the same names, and the same hash, wherever
 * replicas have their folders mounted.
 *
 * @returns one prefix for each folder, in their order; a sentence where one folder is named twice.
 */
export function folderPrefixes(folders: readonly string[]): readonly string[] | string {
  if (folders.length === 1) return [''];
  const paths = folders.map((folder) => resolve(folder).split(sep).filter(Boolean));
  const whole = paths.map((parts) => parts.join('/'));
  const twice = folders.find((_, index) => whole.indexOf(whole[index] ?? '') !== index);
  if (twice !== undefined) return `${twice}: is named twice in policies.folders`;
  const longest = Math.max(...paths.map((parts) => parts.length));
  for (let length = 1; length < longest; length++) {
    const ends = paths.map((parts) => parts.slice(-length).join('/'));
    if (new Set(ends).size === ends.length) return ends.map((end) => `${end}/`);
  }
  return whole.map((path) => `${path}/`);
}
