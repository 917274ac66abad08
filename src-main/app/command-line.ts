/** What the app is told on its own command line, beside flags of Chromium's. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

/** @returns the folder that everything of Joblet lies under; `/` unless `--root` says otherwise. */
export function rootFolderOf(argv: readonly string[]): string {
  const { values } = parseArgs({
    args: [...argv],
    options: { root: { type: 'string' } },
    strict: false,
  });
  return resolve(typeof values.root === 'string' ? values.root : '/');
}
