/** What the commands that follow or await a job share: its output, and its end. */
import { JobletError } from '../../native-helper/api/errors.ts';
import { type Job, type LogChunk, LogStream } from '../../native-helper/api/gen/joblet_pb.js';
import { noteOf } from '../client/log-note.ts';
import type { Cli, Invocation } from './cli.ts';
import type { Client } from './connection.ts';
import { ExitCode } from './errors.ts';
import { escapeControlCharacters } from './format/escape.ts';
import { failureText, jobEndJson } from './format/job-end.ts';
import { jsonText } from './format/json.ts';
import { hasEnded } from './format/status.ts';

interface OutputRequest {
  readonly id: string;
  readonly offset?: bigint;
  readonly stream?: LogStream;
  readonly sinceUs?: bigint;
  readonly tailLines?: number;
  readonly signal: AbortSignal;
}

/**
 * A job's log as it comes, until the job has ended. When the helper goes away in the middle, standard error says so,
 * once, and the stream goes on with the very next byte when it is back.
 */
export async function* followOutput(
  cli: Cli,
  client: Client,
  request: OutputRequest,
): AsyncGenerator<LogChunk> {
  let isAway = false;
  const tell = (text: string): void => void cli.stderr.write(`${cli.programName}: ${text}\n`).catch(() => {});
  const chunks = client.followLogs({
    ...request,
    onInterruption: () => {
      if (!isAway) {
        tell('the helper went away; waiting for it, the job goes on');
      }
      isAway = true;
    },
  });
  for await (const chunk of chunks) {
    if (isAway) {
      tell('the helper is back');
      isAway = false;
    }
    yield chunk;
  }
}

/** What a monitor has to say within a log goes to standard error, never between the bytes of the job; `whose` is empty where there is only one. */
export async function* tellingNotes(
  cli: Cli,
  whose: string,
  chunks: AsyncIterable<LogChunk>,
): AsyncGenerator<LogChunk> {
  for await (const chunk of chunks) {
    const note = noteOf(chunk);
    if (note === undefined) {
      yield chunk;
    } else {
      await cli.stderr.write(`${cli.programName}: log${whose}: ${note}\n`);
    }
  }
}

/** Writes a job's output as it comes, each stream to our own of the same name, byte for byte, until the job has ended. */
export async function copyOutput(cli: Cli, client: Client, request: OutputRequest): Promise<void> {
  for await (const chunk of tellingNotes(cli, '', followOutput(cli, client, request))) {
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
