import type { Command } from 'commander';
import { JobletError } from '../../../native-helper/api/errors.ts';
import type { Job } from '../../../native-helper/api/gen/joblet_pb.js';
import { parseDuration } from '../arguments/duration.ts';
import { declareJobId } from '../arguments/job-id.ts';
import type { CommandModule, Invocation } from '../cli.ts';
import { type Client, withClient } from '../connection.ts';
import { untilDetached } from '../detach.ts';
import { ExitCode, usageError } from '../errors.ts';
import { jobEndJson, jobEndText } from '../format/job-end.ts';
import { jsonText } from '../format/json.ts';
import { endOf, tellOfEnd } from '../job-result.ts';

interface JobWaitFlags {
  readonly timeout?: string;
}

/** The most that a timer of Node takes: 2³¹ − 1 ms, 24 days. */
const LONGEST_WAIT_MS = 2_147_483_647n;

function declare(command: Command): void {
  declareJobId(command).option(
    '--timeout <time>',
    'wait no longer than this, such as 30s, 5m or 1h; then exit with 125',
  );
}

async function run(invocation: Invocation<JobWaitFlags>): Promise<number> {
  const { cli, flags, globals, operands } = invocation;
  const [id = ''] = operands;
  const timeoutMs = flags.timeout === undefined ? undefined : waitTimeOf(flags.timeout);
  return withClient(invocation, async (client) => {
    const { uuid } = await client.jobs.getJob({ id });
    return untilDetached(cli, [uuid], async (signal) => {
      const job = await endWithin(client, uuid, signal, timeoutMs);
      // With --json a failure stands in the object; as text it goes to standard error beside the end.
      await cli.stdout.write(globals.json ? jsonText(jobEndJson(job)) : jobEndText(job));
      return globals.json ? (job.exitCode ?? ExitCode.noJobResult) : tellOfEnd(invocation, job);
    });
  });
}

function waitTimeOf(text: string): number {
  const milliseconds = parseDuration(text, '--timeout');
  if (milliseconds > LONGEST_WAIT_MS) {
    throw usageError('--timeout', 'must be at most 24 days', 'Leave it out to wait for ever.');
  }
  return Number(milliseconds);
}

async function endWithin(client: Client, id: string, signal: AbortSignal, timeoutMs?: number): Promise<Job> {
  if (timeoutMs === undefined) {
    return endOf(client, id, signal);
  }
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    return await endOf(client, id, AbortSignal.any([signal, timeout]));
  } catch (error) {
    throw timeout.aborted ? stillRunning(id, timeoutMs) : error;
  }
}

function stillRunning(id: string, timeoutMs: number): JobletError {
  return new JobletError('unavailable', {
    layer: 'job',
    operation: 'wait',
    object: id,
    reason: `it has not ended within ${timeoutMs} ms`,
    mend: 'Wait again, or end it with `job stop`.',
  });
}

export const command: CommandModule<JobWaitFlags> = {
  declare,
  run,
  failureExitCode: ExitCode.noJobResult,
  operand: 'job',
};
