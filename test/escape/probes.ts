/** The one static program that holds all probes. */
import { execFile } from 'node:child_process';
import { mkdir, readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);

const SOURCES = join(import.meta.dirname, 'probes');
/** Beside the weak executor, for neither is ever installed. */
export const PROBES = join(import.meta.dirname, '../../dist-weak/probes');

/** Compiles it, unless it is newer than its sources. */
export async function compileProbes(): Promise<void> {
  const sources = (await readdir(SOURCES)).map((name) => join(SOURCES, name));
  const newest = Math.max(...(await Promise.all(sources.map(async (path) => (await stat(path)).mtimeMs))));
  const compiled = await stat(PROBES).catch(() => undefined);
  if (compiled !== undefined && compiled.mtimeMs > newest) {
    return;
  }
  await mkdir(dirname(PROBES), { recursive: true });
  const programs = sources.filter((path) => path.endsWith('.c'));
  await execute('gcc', [
    '-std=gnu17',
    '-O2',
    '-static',
    '-Wall',
    '-Wextra',
    '-Werror',
    '-o',
    PROBES,
    ...programs,
  ]);
}

/**
 * Runs one of the programs on the host.
 *
 * @returns its standard output.
 * @throws Error with its verdict when it was broken.
 */
export async function runOnHost(...command: readonly string[]): Promise<string> {
  const { stdout } = await execute(PROBES, [...command]);
  return stdout;
}
