import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Command } from 'commander';
import { JobletError } from '../../../native-helper/api/errors.ts';
import type {
  ExecEnd,
  ExecJobRequestSchema,
  ExecJobResponse,
} from '../../../native-helper/api/gen/joblet_pb.js';
import { Queue } from '../../client/index.ts';
import { commandLineOf } from '../arguments/command-line.ts';
import { declareJobId } from '../arguments/job-id.ts';
import type { Cli, CommandModule, Invocation } from '../cli.ts';
import { type Client, withClient } from '../connection.ts';
import { ExitCode } from '../errors.ts';
import { escapeControlCharacters } from '../format/escape.ts';
import { localSize, localTerm, requireTerminal, takeTerminal } from '../terminal/local-terminal.ts';

interface JobExecFlags {
  readonly stdin?: boolean;
  readonly tty?: boolean;
}

type Message = MessageInitShape<typeof ExecJobRequestSchema>;

/** Pieces of input that may wait. */
const ROOM = 4;
/** The most that one message may have. */
const MESSAGE_BYTES = 64 * 1024;
const SIGNALS = ['SIGHUP', 'SIGINT', 'SIGTERM'] as const;

function declare(command: Command): void {
  declareJobId(command)
    .usage('[flags] <id> [--] command args...')
    .argument('<command...>', 'the program and its arguments; one argument with spaces is run by sh -c')
    .passThroughOptions()
    .option('-i, --stdin', 'send standard input to the command')
    .option('-t, --tty', 'run it on a terminal, which ours becomes');
}

async function run(invocation: Invocation<JobExecFlags>): Promise<number> {
  const { cli, flags, operands } = invocation;
  const [id = '', ...words] = operands;
  const { command, args } = commandLineOf(words);
  const hasTerminal = flags.tty === true;
  if (hasTerminal) {
    requireTerminal();
  }
  const start: Message = {
    message: {
      case: 'start',
      value: {
        id,
        command,
        args: [...args],
        stdin: flags.stdin === true,
        ...(hasTerminal && { terminal: localSize(), term: localTerm() }),
      },
    },
  };
  return withClient(invocation, (client) => untilEnded(cli, client, start, flags));
}

/** The command ends with us: whoever ends this process ends it too. */
async function untilEnded(
  cli: Cli,
  client: Client,
  start: Message,
  { stdin = false, tty = false }: JobExecFlags,
): Promise<number> {
  const over = new AbortController();
  const told = Promise.withResolvers<number>();
  const onSignal = (_name: NodeJS.Signals, number: number): void => told.resolve(128 + number);
  for (const name of SIGNALS) {
    process.once(name, onSignal);
  }
  const queue = new Queue<Message>(ROOM);
  void queue.push(start);
  using _ = tty
    ? takeTerminal((size) => void queue.push({ message: { case: 'resize', value: size } }))
    : undefined;
  if (stdin) {
    sendInput(queue, tty).catch(() => undefined);
  }
  try {
    const output = copy(cli, client.jobs.execJob(queue, { signal: over.signal }));
    return await Promise.race([output, told.promise]);
  } finally {
    over.abort();
    for (const name of SIGNALS) {
      process.off(name, onSignal);
    }
  }
}

async function sendInput(queue: Queue<Message>, isTerminal: boolean): Promise<void> {
  for await (const bytes of process.stdin as AsyncIterable<Buffer>) {
    for (let at = 0; at < bytes.length; at += MESSAGE_BYTES) {
      await queue.push({ message: { case: 'input', value: bytes.subarray(at, at + MESSAGE_BYTES) } });
    }
  }
  if (!isTerminal) {
    await queue.push({ message: { case: 'endOfInput', value: {} } });
  }
}

/** @returns the command's exit code. */
async function copy(cli: Cli, events: AsyncIterable<ExecJobResponse>): Promise<number> {
  for await (const { event } of events) {
    switch (event.case) {
      case 'stdout':
        await cli.stdout.write(event.value);
        break;
      case 'stderr':
        await cli.stderr.write(event.value);
        break;
      case 'inputClosed':
        process.stdin.destroy();
        break;
      case 'ended':
        return tellOfEnd(cli, event.value);
    }
  }
  throw new JobletError('unavailable', {
    layer: 'transport',
    operation: 'exec',
    object: '',
    reason: 'the helper ended the call before the command ended',
    mend: '',
  });
}

async function tellOfEnd(cli: Cli, { exitCode, failure }: ExecEnd): Promise<number> {
  if (failure !== undefined) {
    const { layer, operation, object, cause, mend } = failure;
    const { message } = new JobletError('refused', { layer, operation, object, reason: cause, mend });
    await cli.stderr.write(`${cli.programName}: ${escapeControlCharacters(message)}\n`);
  }
  return exitCode;
}

export const command: CommandModule<JobExecFlags> = {
  declare,
  run,
  failureExitCode: ExitCode.noJobResult,
  operand: 'running job',
};
