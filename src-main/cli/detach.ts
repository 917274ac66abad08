/** Leaving a job alone: Ctrl-C ends this process, never the job. */
import type { Cli } from './cli.ts';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/**
 * Does `work` until it is done or this process is told to end, whichever comes first; then says that the job goes on
 * and how to come back to it. A write that is stuck because nobody reads does not hold this up.
 *
 * @param work lets go of what it holds when the signal aborts; what it then rejects with is of no interest
 * @returns the exit code: that of `work`, or 128 + the signal
 */
export async function untilDetached(
  cli: Cli,
  ids: readonly string[],
  work: (signal: AbortSignal) => Promise<number>,
): Promise<number> {
  const abort = new AbortController();
  const told = Promise.withResolvers<number>();
  const onSignal = (_name: NodeJS.Signals, number: number): void => told.resolve(number);
  for (const name of SIGNALS) {
    process.once(name, onSignal);
  }
  try {
    const detached = told.promise.then(async (number) => {
      await cli.stderr.write(`${cli.programName}: detached; ${whatGoesOn(cli.programName, ids)}\n`);
      return 128 + number;
    });
    return await Promise.race([work(abort.signal), detached]);
  } finally {
    abort.abort();
    for (const name of SIGNALS) {
      process.off(name, onSignal);
    }
  }
}

function whatGoesOn(program: string, ids: readonly string[]): string {
  const [id] = ids;
  return ids.length === 1
    ? `job ${id} goes on. Follow it: ${program} job log --follow ${id}; await its end: ${program} job wait ${id}; end it: ${program} job stop ${id}`
    : `the jobs go on. Follow them: ${program} job log --follow ${ids.join(' ')}`;
}
