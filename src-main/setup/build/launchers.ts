import { chmod, copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export const STARTER = 'src-main/elevation/elevate-start';

/**
 * Keeps V8's compiled code between runs. Its place comes from the user database and not from HOME: bytecode is trusted
 * like code, and `sudo` may keep the HOME of a user who could then write what root runs.
 */
const ENTRY = `const { enableCompileCache } = require('node:module');
const { userInfo } = require('node:os');
const { join } = require('node:path');
try {
  enableCompileCache(join(userInfo().homedir, '.cache/joblet/compiled'));
} catch {
  // No entry in the user database, so no home: it only starts more slowly.
}
require('./cli/main.cjs');
`;

/**
 * One `exec` of the pinned Node, found from the real file, so that links to it work from anywhere: beside it where it was
 * packed, else where npm has put it. The young
 * generation begins at the size that it would grow to, which spares a start several collections. What NODE_OPTIONS says
 * is meant for the caller's own programs: editors set it to attach a debugger. Behind `--` Node leaves words alone: it looks
 * for its own `--env-file` beyond the script too, and would take NODE_OPTIONS, and so code to run, from a job's file of variables.
 */
const launcher = (script: string, ...flags: readonly string[]) => `#!/bin/sh
here=$0
[ ! -L "$here" ] || here=$(readlink -f -- "$here")
case $here in */*) ;; *) here=./$here ;; esac
here=\${here%/*}
unset NODE_OPTIONS
node=$here/node
[ -x "$node" ] || node=$here/../node_modules/.bin/node
exec "$node" ${[...flags, '--', `"$here/${script}"`].join(' ')} "$@"
`;

/** `joblet` and, for scripts that know it by its old name, `rnx`; and `joblet-desktop`, which opens the app. */
export async function writeLaunchers(dist: string): Promise<void> {
  for (const name of ['joblet', 'rnx']) {
    await writeFile(join(dist, `${name}.cjs`), ENTRY);
    await writeLauncher(join(dist, name), launcher(`${name}.cjs`, '--min-semi-space-size=16'));
  }
  await writeLauncher(join(dist, 'joblet-desktop'), launcher('../src-main/setup/open.mjs'));
}

async function writeLauncher(path: string, text: string): Promise<void> {
  await writeFile(path, text);
  await chmod(path, 0o755);
}

/** The script that root runs to start the installed helper, beside the helper that it is installed with. */
export async function copyStarter(output: string): Promise<void> {
  await copyFile(STARTER, output);
  await chmod(output, 0o755);
}
