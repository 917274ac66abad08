/** How the command line tells of errors, and what it exits with. */
import { JobletError } from '../../native-helper/api/errors.ts';
import { escapeControlCharacters } from './format/escape.ts';
import { jsonText } from './format/json.ts';

/**
 * What `joblet` exits with on its own account. A job's own code takes over where a command follows or awaits a job.
 * `docs/user-guide.md` lists them for users.
 */
export const ExitCode = {
  success: 0,
  /** The request could not be carried out. */
  failure: 1,
  /** The command line or a name in it is malformed; nothing was sent. */
  usage: 2,
  /** Where the job's own code is expected: the job did not run, or its end could not be learned. */
  noJobResult: 125,
  /** 128 + SIGPIPE: the reader of standard output has gone. */
  brokenPipe: 141,
} as const;

/**
 * A malformed command line.
 *
 * @param object the flag, argument or command at fault, as the user typed it
 * @param reason what is wrong with it, in words that follow the object
 * @param mend what to type instead; empty when the reason says it
 */
export function usageError(object: string, reason: string, mend = ''): JobletError {
  return new JobletError('invalid', { layer: '', operation: '', object, reason, mend });
}

/** What nobody foresaw: a fault of the command line itself, told with its stack. */
class UnforeseenError extends JobletError {
  constructor(error: unknown) {
    const reason = error instanceof Error ? error.message : String(error);
    const mend = 'This is a fault in Joblet itself; please report it with the lines below.';
    super('internal', { layer: 'command line', operation: '', object: '', reason, mend }, { cause: error });
  }
}

/** Anything thrown, as a JobletError: what is not one already is a fault of ours. */
export function toJobletError(error: unknown): JobletError {
  return error instanceof JobletError ? error : new UnforeseenError(error);
}

/** The line that standard error gets: `joblet: cgroup: mkdir /sys/fs/…: EROFS. Remount it writable.` */
export function errorText(error: JobletError, programName: string): string {
  const fault =
    error instanceof UnforeseenError && error.cause instanceof Error ? (error.cause.stack ?? '') : '';
  return [`${programName}: ${error.message}`, ...fault.split('\n')]
    .filter((line) => line !== '')
    .map((line) => `${escapeControlCharacters(line)}\n`)
    .join('');
}

/** The object that standard error gets with `--json`. Details that are empty are left out. */
export function errorJson(error: JobletError): string {
  const { layer, operation, object, reason, mend } = error.details;
  const filled = Object.entries({ layer, operation, object, cause: reason, mend }).filter(
    ([, text]) => text !== '',
  );
  return jsonText({ error: { kind: error.kind, message: error.message, ...Object.fromEntries(filled) } });
}
