/** What a filter costs on this machine: measured by a child that puts it on as a job does, never assumed. */
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import * as z from '../../api/schema.ts';

/** The child gives each of its two sides 10 ms. */
const PATIENCE_MS = 5000;

/** Of one cheap system call (getppid), in nanoseconds. */
export interface FilterCost {
  readonly bareNs: number;
  readonly filteredNs: number;
}

const answerSchema = z.strictObject({
  bare_ps: z.number().check(z.positive()),
  filtered_ps: z.number().check(z.positive()),
});

/**
 * @param executorFd the executor.
 * @param instructions of a program that allows getppid, as the kernel takes them.
 * @throws Error when the child could not put the filter on, or came to no figure.
 */
export async function measureFilter(executorFd: number, instructions: Uint8Array): Promise<FilterCost> {
  const child = spawn(`/proc/${process.pid}/fd/${executorFd}`, ['cost'], {
    env: {},
    stdio: ['pipe', 'pipe', 'ignore'],
    timeout: PATIENCE_MS,
    killSignal: 'SIGKILL',
  });
  const failure = new Promise<never>((_, reject) => child.once('error', reject));
  // A child that ended before it read says why by its exit code.
  child.stdin.on('error', () => {});
  child.stdin.end(instructions);
  const answer = await Promise.race([failure, text(child.stdout)]);
  if (answer === '') {
    throw new Error('the kernel did not take the filter, or did not let the call pass');
  }
  const { bare_ps, filtered_ps } = answerSchema.parse(JSON.parse(answer));
  return { bareNs: bare_ps / 1000, filteredNs: filtered_ps / 1000 };
}
