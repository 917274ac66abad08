import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** The files below `directory` with one of the endings, tests left out, in an order that is the same everywhere. */
export async function filesBelow(directory: string, endings: readonly string[]): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && endings.some((ending) => entry.name.endsWith(ending)))
    .filter((entry) => !/\.spec\.ts$|\.d\.ts$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
