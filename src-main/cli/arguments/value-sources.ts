/** Where a command line takes the values of variables from: its own environment, and files that its user can read. */
import { isUtf8 } from 'node:buffer';
import { closeSync, openSync, readSync } from 'node:fs';
import { causeOf } from '../../../native-helper/api/errors.ts';
import { MAX_ARGUMENT_SPACE_BYTES } from '../../../native-helper/api/job-spec.ts';
import { usageError } from '../errors.ts';
import type { ValueSources } from './environment.ts';

export function valueSources(environment: Readonly<Record<string, string | undefined>>): ValueSources {
  return { variable: (name) => environment[name], file: readText, directory: process.cwd() };
}

/** Of files and pipes (`<(pass show token)`), no more than a job's environment can hold. */
function readText(path: string): string {
  const buffer = Buffer.alloc(MAX_ARGUMENT_SPACE_BYTES + 1);
  let length = 0;
  try {
    const fd = openSync(path, 'r');
    try {
      for (let count = -1; count !== 0 && length < buffer.length; length += count) {
        count = readSync(fd, buffer, length, buffer.length - length, null);
      }
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw usageError(path, `can't be read: ${causeOf(error)}`);
  }
  if (length > MAX_ARGUMENT_SPACE_BYTES) {
    throw usageError(
      path,
      `is more than ${MAX_ARGUMENT_SPACE_BYTES} bytes, which no job's environment can hold`,
    );
  }
  if (!isUtf8(buffer.subarray(0, length))) {
    throw usageError(
      path,
      'is not UTF-8 text',
      'Encode it, for example by base64, and decode it in the job.',
    );
  }
  return buffer.toString('utf8', 0, length);
}
