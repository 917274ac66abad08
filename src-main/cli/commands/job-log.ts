import { type Command, Option } from 'commander';
import { type LogChunk, LogStream } from '../../../native-helper/api/gen/joblet_pb.js';
import { parsePastTime } from '../../../native-helper/api/typed-time.ts';
import { parseWholeNumber } from '../arguments/number.ts';
import type { Cli, CommandModule, Invocation } from '../cli.ts';
import { withClient } from '../connection.ts';
import { untilDetached } from '../detach.ts';
import { ExitCode, usageError } from '../errors.ts';
import { type LogLine, LogLines, labelled, linesOf, mergedByTime, NEWLINE } from '../format/log-lines.ts';
import { rfc3339 } from '../format/time.ts';
import { followOutput, tellingNotes } from '../job-result.ts';

interface JobLogFlags {
  readonly fixedStrings?: boolean;
  readonly follow?: boolean;
  readonly grep?: string;
  readonly ignoreCase?: boolean;
  readonly offset?: string;
  readonly since?: string;
  readonly stream?: 'stdout' | 'stderr';
  readonly tail?: string;
  readonly timestamps?: boolean;
  readonly until?: string;
}

/** Enough to tell jobs apart, and what other commands take for one. */
const LABEL_LENGTH = 8;
const BATCH_BYTES = 65_536;
const MOST_LINES = 2n ** 32n - 1n;

function declare(command: Command): void {
  command
    .argument('<ids...>', 'ids of jobs, or their first characters; of several, each line says whose it is')
    .option('-f, --follow', 'go on until the job has ended')
    .option('-n, --tail <lines>', 'begin with the last so many lines')
    .option('--since <time>', 'begin with what came then or later: 10m (ago), 2026-01-31 08:30, RFC 3339')
    .option('--until <time>', 'end before what came then or later')
    .option('--offset <bytes>', 'begin at this byte of the log')
    .option(
      '-g, --grep <pattern>',
      'only lines that match this extended regular expression; -n then counts those',
    )
    .option('-F, --fixed-strings', 'the pattern is the text itself')
    .option('-i, --ignore-case', 'the pattern matches whatever the case')
    .option('-t, --timestamps', 'put before each line when its first byte came')
    .addOption(new Option('--stream <stream>', 'only one of the two').choices(['stdout', 'stderr']));
}

/** What of each log. */
interface Selection {
  readonly offset: bigint;
  readonly sinceUs: bigint;
  readonly untilUs: bigint;
  readonly tailLines?: number;
  readonly stream: LogStream;
  readonly pattern?: { readonly text: string; readonly fixed: boolean; readonly ignoreCase: boolean };
}

async function run(invocation: Invocation<JobLogFlags>): Promise<number> {
  const { cli, flags, operands } = invocation;
  const { untilUs, ...selection } = selectionOf(flags, operands.length);
  return withClient(invocation, async (client) => {
    const jobs = await Promise.all(operands.map((id) => client.jobs.getJob({ id })));
    const uuids = [...new Set(jobs.map(({ uuid }) => uuid))];
    const [only = ''] = uuids;
    const isRaw = uuids.length === 1 && flags.timestamps !== true;
    const telling = (id: string, chunks: AsyncIterable<LogChunk>) =>
      tellingNotes(cli, uuids.length > 1 ? ` of ${id.slice(0, LABEL_LENGTH)}` : '', chunks);
    const format = lineFormat(uuids.length > 1, flags.timestamps === true);
    if (flags.follow !== true) {
      const read = (id: string) => telling(id, client.jobs.getLogs({ id, untilUs, ...selection }));
      await (isRaw
        ? writeBytes(cli, read(only))
        : writeMerged(cli, new Map(uuids.map((id) => [id, read(id)])), format));
      return ExitCode.success;
    }
    return untilDetached(cli, uuids, async (signal) => {
      const follow = (id: string) => telling(id, followOutput(cli, client, { id, signal, ...selection }));
      await (isRaw
        ? writeBytes(cli, follow(only))
        : Promise.all(uuids.map((id) => writeLive(cli, id, follow(id), format))));
      return ExitCode.success;
    });
  });
}

/** Both streams go to standard output in the order in which they were read: the log itself, byte for byte. */
async function writeBytes(cli: Cli, chunks: AsyncIterable<LogChunk>): Promise<void> {
  for await (const { data } of chunks) {
    await cli.stdout.write(data);
  }
}

type LineFormat = (label: string, line: LogLine) => Uint8Array;

function lineFormat(hasLabel: boolean, hasTime: boolean): LineFormat {
  return (label, { timeUs, bytes }) => {
    const time = hasTime ? `${rfc3339(timeUs)} ` : '';
    const whose = hasLabel ? `${label.slice(0, LABEL_LENGTH)} | ` : '';
    const end = bytes.at(-1) === NEWLINE ? '' : '\n';
    return Buffer.concat([Buffer.from(time + whose), bytes, Buffer.from(end)]);
  };
}

/** Of what has been written; by time. */
async function writeMerged(
  cli: Cli,
  logs: ReadonlyMap<string, AsyncIterable<LogChunk>>,
  format: LineFormat,
): Promise<void> {
  let batch: Uint8Array[] = [];
  let length = 0;
  const flush = async () => {
    const bytes = Buffer.concat(batch);
    batch = [];
    length = 0;
    await cli.stdout.write(bytes);
  };
  for await (const { label, ...line } of mergedByTime(
    [...logs].map(([id, log]) => labelled(id, linesOf(log))),
  )) {
    const bytes = format(label, line);
    length += bytes.length;
    batch.push(bytes);
    if (length >= BATCH_BYTES) {
      await flush();
    }
  }
  await flush();
}

/** As it comes. */
async function writeLive(
  cli: Cli,
  label: string,
  chunks: AsyncIterable<LogChunk>,
  format: LineFormat,
): Promise<void> {
  const lines = new LogLines();
  const write = (some: Iterable<LogLine>) =>
    cli.stdout.write(Buffer.concat([...some].map((line) => format(label, line))));
  for await (const chunk of chunks) {
    await write(lines.take(chunk));
  }
  await write(lines.rest());
}

function selectionOf(flags: JobLogFlags, jobs: number): Selection {
  if (flags.follow === true && flags.until !== undefined) {
    throw usageError('--until', 'has no meaning with --follow, which ends with the job');
  }
  if (flags.offset !== undefined && jobs > 1) {
    throw usageError('--offset', 'is of one log: ask for one job');
  }
  return {
    offset: flags.offset === undefined ? 0n : offsetOf(flags.offset),
    sinceUs: timeOf(flags.since, '--since'),
    untilUs: timeOf(flags.until, '--until'),
    ...(flags.tail === undefined ? {} : { tailLines: linesNumberOf(flags.tail) }),
    stream: streamOf(flags.stream),
    ...patternOf(flags),
  };
}

function patternOf({
  grep,
  fixedStrings = false,
  ignoreCase = false,
  tail,
  follow,
}: JobLogFlags): Pick<Selection, 'pattern'> {
  if (grep === undefined) {
    if (fixedStrings || ignoreCase) {
      throw usageError(fixedStrings ? '--fixed-strings' : '--ignore-case', 'is of a pattern: give --grep');
    }
    return {};
  }
  if (follow === true && tail !== undefined && linesNumberOf(tail) > 0) {
    throw usageError('--tail', 'with --grep and --follow can only be 0');
  }
  return { pattern: { text: grep, fixed: fixedStrings, ignoreCase } };
}

function timeOf(text: string | undefined, flag: string): bigint {
  const time = text === undefined ? { value: 0n } : parsePastTime(text, Date.now());
  if ('fault' in time) {
    throw usageError(flag, `'${text}' ${time.fault}`);
  }
  return time.value;
}

function linesNumberOf(text: string): number {
  const lines = parseWholeNumber(text, '--tail');
  if (lines > MOST_LINES) {
    throw usageError('--tail', `is more than ${MOST_LINES}`);
  }
  return Number(lines);
}

function offsetOf(text: string): bigint {
  const offset = parseWholeNumber(text, '--offset');
  if (offset >= 2n ** 63n) {
    throw usageError('--offset', 'is beyond any log');
  }
  return offset;
}

function streamOf(name: JobLogFlags['stream']): LogStream {
  return name === undefined
    ? LogStream.UNSPECIFIED
    : { stdout: LogStream.STDOUT, stderr: LogStream.STDERR }[name];
}

export const command: CommandModule<JobLogFlags> = { declare, run, operand: 'job' };
