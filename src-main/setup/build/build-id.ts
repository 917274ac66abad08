import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { EXECUTOR_SOURCE_DIRECTORY, executorSources } from './executor.ts';
import { filesBelow } from './files.ts';

/**
 * What the helper and the executor know each other by (ADR-001): two that were not built from the same sources with the
 * same versions refuse to work together.
 *
 * @returns SHA-256 in hexadecimal.
 */
export async function computeBuildId(weakened: boolean): Promise<string> {
  const paths = [
    'package.json',
    'package-lock.json',
    ...(await executorSources()),
    ...(await filesBelow('native-helper', ['.proto'])),
    ...(await filesBelow('native-helper', ['.ts'])).filter(
      (path) => !path.startsWith(EXECUTOR_SOURCE_DIRECTORY),
    ),
  ];
  const hash = createHash('sha256').update(`${process.version} ${process.arch} ${weakened}\n`);
  for (const path of paths) {
    const bytes = await readFile(path);
    hash.update(`${path} ${bytes.length}\n`).update(bytes);
  }
  return hash.digest('hex');
}
