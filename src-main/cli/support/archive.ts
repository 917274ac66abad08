import { spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { mkdir, mkdtempDisposable, open, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { causeOf, JobletError } from '../../../native-helper/api/errors.ts';

export interface ArchivedFile {
  readonly name: string;
  readonly text: string;
}

/**
 * Writes a `.tar.gz` (0600) that holds one folder with the files.
 *
 * @returns its size in bytes
 * @throws JobletError when there is such a file already, or it can't be written; then no part of it stays
 */
export async function writeArchive(
  path: string,
  folder: string,
  files: readonly ArchivedFile[],
): Promise<number> {
  await using scratch = await mkdtempDisposable(join(tmpdir(), 'joblet-support-'));
  await mkdir(join(scratch.path, folder));
  for (const file of files) {
    await writeFile(join(scratch.path, folder, file.name), file.text);
  }
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;
  const output = await open(path, flags, 0o600).catch((error) => {
    throw unwritable(path, causeOf(error), 'Name another file: --output PATH.');
  });
  try {
    await tar(scratch.path, folder, output.fd);
    return (await stat(path)).size;
  } catch (error) {
    await rm(path, { force: true });
    throw unwritable(path, error instanceof Error ? error.message : causeOf(error), '');
  } finally {
    await output.close();
  }
}

async function tar(directory: string, folder: string, output: number): Promise<void> {
  const argv = [
    '--create',
    '--gzip',
    `--directory=${directory}`,
    '--owner=0',
    '--group=0',
    '--sort=name',
    folder,
  ];
  const child = spawn('tar', argv, { stdio: ['ignore', output, 'pipe'] });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const [said, code] = await Promise.all([child.stderr === null ? '' : text(child.stderr), ended]);
  if (code !== 0) {
    throw new Error(`tar: ${said.trim() || `exit code ${code}`}`);
  }
}

function unwritable(object: string, reason: string, mend: string): JobletError {
  return new JobletError('unavailable', { layer: '', operation: 'write', object, reason, mend });
}
