import { accessSync, constants, statSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { usageError } from '../errors.ts';

export interface CommandLine {
  readonly command: string;
  readonly args: readonly string[];
}

/** Where a job's program is looked up unless the job sets a PATH of its own. */
export const JOB_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * The command and its arguments. One single argument that holds white space is a line of shell, run by `sh -c`, unless
 * a program of exactly that name is there.
 *
 * @param path the job's own PATH, if it sets one
 */
export function commandLineOf(words: readonly string[], path: string = JOB_PATH): CommandLine {
  const [command, ...args] = words;
  if (command === undefined || command.trim() === '') {
    throw usageError('command', 'is missing or empty', 'Give the program to run after the flags.');
  }
  if (args.length === 0 && /\s/.test(command) && !isProgram(command, path)) {
    return { command: 'sh', args: ['-c', command] };
  }
  return { command, args };
}

function isProgram(name: string, path: string): boolean {
  if (name.includes('\0')) {
    return false;
  }
  const candidates = name.includes('/')
    ? [name].filter((candidate) => isAbsolute(candidate))
    : path.split(':').map((directory) => join(directory, name));
  return candidates.some(isExecutableFile);
}

function isExecutableFile(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
