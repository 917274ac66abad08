import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DIST, HELPER } from '../fixtures/dist.ts';

/**
 * A helper that differs from ours in nothing but its build id, which server and executor in it share.
 *
 * @returns its path, below `folder`
 */
export async function otherBuildOf(folder: string): Promise<string> {
  const path = join(folder, 'other-helper');
  await copyFile(HELPER, path);
  const id = await readFile(join(DIST, 'build-id'), 'latin1');
  const other = [...id].reverse().join('');
  const bytes = await readFile(path, 'latin1');
  await writeFile(path, bytes.replaceAll(id, other), 'latin1');
  return path;
}
