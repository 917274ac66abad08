import { type Command, Option } from 'commander';
import { type LogChunk, LogStream } from '../../../native-helper/api/gen/joblet_pb.js';
import { declareJobId } from '../arguments/job-id.ts';
import { parseWholeNumber } from '../arguments/number.ts';
import type { CommandModule, Invocation } from '../cli.ts';
import { withClient } from '../connection.ts';
import { untilDetached } from '../detach.ts';
import { ExitCode, usageError } from '../errors.ts';
import { followOutput } from '../job-result.ts';

interface JobLogFlags {
  readonly follow?: boolean;
  readonly offset?: string;
  readonly stream?: 'stdout' | 'stderr';
}

function declare(command: Command): void {
  declareJobId(command)
    .option('-f, --follow', 'go on until the job has ended')
    .option('--offset <bytes>', 'begin at this byte of the log')
    .addOption(new Option('--stream <stream>', 'only one of the two').choices(['stdout', 'stderr']));
}

/** Both streams go to standard output in the order in which they were read: the log itself, byte for byte. */
async function run(invocation: Invocation<JobLogFlags>): Promise<number> {
  const { cli, flags, operands } = invocation;
  const [id = ''] = operands;
  const offset = flags.offset === undefined ? 0n : offsetOf(flags.offset);
  const stream = streamOf(flags.stream);
  return withClient(invocation, async (client) => {
    const write = async (chunks: AsyncIterable<LogChunk>): Promise<number> => {
      for await (const { data } of chunks) {
        await cli.stdout.write(data);
      }
      return ExitCode.success;
    };
    if (flags.follow !== true) {
      return write(client.jobs.getLogs({ id, offset, stream }));
    }
    const { uuid } = await client.jobs.getJob({ id });
    return untilDetached(cli, uuid, (signal) =>
      write(followOutput(cli, client, { id: uuid, offset, stream, signal })),
    );
  });
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
