/** Starting the helper is the command line's business: the app runs the command that a person would type. */
import { execFile } from 'node:child_process';
import { JobletError } from '../../native-helper/api/errors.ts';
import * as z from '../../native-helper/api/schema.ts';
import { failureSchema } from '../ipc/contract.ts';

/** Longer than the password prompt waits and the helper takes together, ms. */
const PATIENCE_MS = 240_000;

const detailSchema = z._default(z.string(), '');

/** What `--json` writes to standard error; details that are empty are left out. */
const errorSchema = z.object({
  error: z.object({
    kind: failureSchema.shape.kind,
    layer: detailSchema,
    operation: detailSchema,
    object: detailSchema,
    cause: detailSchema,
    mend: detailSchema,
  }),
});

/**
 * Resolves when the helper answers.
 *
 * @param joblet path of the command line
 * @param root folder that everything of Joblet lies under
 * @throws JobletError with the command's own words
 */
export async function startHelper(joblet: string, root: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const argv = ['helper', 'start', '--json', '--root', root];
  execFile(joblet, argv, { cwd: '/', timeout: PATIENCE_MS }, (error, _stdout, stderr) =>
    error === null ? resolve() : reject(errorFrom(stderr, joblet)),
  );
  await promise;
}

/** The object comes last, after lines that tell of the progress. */
function errorFrom(stderr: string, object: string): JobletError {
  const start = stderr.search(/^\{$/m);
  try {
    const { error } = errorSchema.parse(JSON.parse(stderr.slice(start)));
    const { kind, cause: reason, ...details } = error;
    return new JobletError(kind, { ...details, reason });
  } catch {
    return new JobletError('unavailable', {
      layer: 'elevation',
      operation: 'start',
      object,
      reason: stderr.trim() || 'it ended without a word',
      mend: 'Start it from a terminal: joblet helper start',
    });
  }
}
