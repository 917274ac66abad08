/** A `joblet job run …` line, read by the very code that reads it in a terminal. */
import { VERSION } from '../../../native-helper/api/version.ts';
import type { ValueSources } from '../../cli/arguments/environment.ts';
import { jobSpecOf } from '../../cli/arguments/job-spec.ts';
import { flagsNotOffered, type JobRunFlags, command as jobRun } from '../../cli/commands/job-run.ts';
import { usageError } from '../../cli/errors.ts';
import { parseCommandLine } from '../../cli/program.ts';
import type { ParsedLine } from './parse.ts';

/** What the form takes for a value that was not kept. */
const TYPE_AGAIN = '***';

/** What is pasted may come from anywhere: it makes the app read nothing. Such a value has to be typed. */
const NOTHING_READ: ValueSources = {
  variable: () => TYPE_AGAIN,
  file: (path) => {
    throw usageError(path, 'is not read for a line that is pasted', 'Give the values themselves.');
  },
};

/** @param words those after the program's name */
export async function specOfJoblet(words: readonly string[]): Promise<ParsedLine> {
  const request = await parseCommandLine(words, { programName: 'joblet', version: VERSION });
  if (request.kind !== 'run' || request.module !== (jobRun as unknown)) {
    throw usageError(
      words.slice(0, 2).join(' '),
      'does not run a job',
      'Paste a line with `joblet job run`.',
    );
  }
  const { operands, globals } = request.invocation;
  const flags: JobRunFlags = request.invocation.flags;
  const elsewhere = [
    ...(globals.config === undefined ? [] : ['--config']),
    ...(globals.node === undefined ? [] : ['--node']),
    ...(globals.root === '/' ? [] : ['--root']),
  ];
  return {
    spec: jobSpecOf(flags, operands, NOTHING_READ),
    remarks: [
      ...flagsNotOffered(flags).map(
        (flag) => `${flag} is not offered by this version; the job would run without it.`,
      ),
      ...elsewhere.map(
        (flag) => `${flag} is left out: the job runs with the helper that this app is linked to.`,
      ),
    ],
  };
}
