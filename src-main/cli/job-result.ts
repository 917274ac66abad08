/** What the commands that follow or await a job share: its output, and its end. */
import { JobletError } from '../../native-helper/api/errors.ts';
import { type Job, LogStream } from '../../native-helper/api/gen/joblet_pb.js';
import type { Invocation } from './cli.ts';
import type { Client } from './connection.ts';
import { ExitCode } from './errors.ts';
import { escapeControlCharacters } from './format/escape.ts';
import { failureText, jobEndJson } from './format/job-end.ts';
import { jsonText } from './format/json.ts';
import { hasEnded } from './format/status.ts';

/** Writes a job's output as it comes, each stream to our own of the same name, byte for byte, until the job has ended. */
export async function copyOutput(
  { cli }: Pick<Invocation<never>, 'cli'>,
  client: Client,
  id: string,
  signal: AbortSignal,
): Promise<void> {
  for await (const chunk of client.followLogs({ id, signal })) {
    const sink = chunk.stream === LogStream.STDERR ? cli.stderr : cli.stdout;
    await sink.write(chunk.data);
  }
}

/** The job as it is when it has ended. */
export async function endOf(client: Client, id: string, signal: AbortSignal): Promise<Job> {
  for await (const { job, deleted } of client.watch([id], signal)) {
    if (deleted) {
      throw new JobletError('not_found', {
        layer: 'job',
        operation: 'wait',
        object: id,
        reason: 'it was deleted before its end was seen',
        mend: '',
      });
    }
    if (job !== undefined && hasEnded(job)) {
      return job;
    }
  }
  throw new JobletError('unavailable', {
    layer: 'transport',
    operation: 'watch',
    object: id,
    reason: 'the helper ended the stream before the job ended',
    mend: 'Ask again.',
  });
}

/** Says on standard error why the job ended as it did, unless it ended by itself; answers with the job's code. */
export async function tellOfEnd(
  { cli, globals }: Pick<Invocation<never>, 'cli' | 'globals'>,
  job: Job,
): Promise<number> {
  const failure = failureText(job);
  if (failure !== undefined) {
    await cli.stderr.write(
      globals.json
        ? jsonText(jobEndJson(job))
        : `${cli.programName}: job ${job.uuid}: ${escapeControlCharacters(failure)}\n`,
    );
  }
  return job.exitCode ?? ExitCode.noJobResult;
}
