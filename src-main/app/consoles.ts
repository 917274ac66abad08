/** What can be typed into: the terminals of jobs that run, and shells in them. Each lives as long as its stream to the window. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import { JobletError } from '../../native-helper/api/errors.ts';
import type { ExecEnd, ExecJobRequestSchema } from '../../native-helper/api/gen/joblet_pb.js';
import { type InputEntry, isInterruption, JobInput, Queue, type TerminalSize } from '../client/index.ts';
import type { ConsoleItem, StreamPayload } from '../ipc/contract.ts';
import type { Link } from './link.ts';
import { streamLog } from './log-stream.ts';

type Opened = StreamPayload<'console'>;
type ExecMessage = MessageInitShape<typeof ExecJobRequestSchema>;

/** Pieces of input that may wait. */
const ROOM = 4;
/** Of what a job has printed before: a few screens. */
const PAST_BYTES = 64 * 1024;

export class Consoles {
  readonly #link: Link;
  readonly #inputs = new Map<string, Queue<InputEntry>>();

  constructor(link: Link) {
    this.#link = link;
  }

  async *open(opened: Opened, signal: AbortSignal): AsyncGenerator<ConsoleItem> {
    if (this.#inputs.has(opened.console)) {
      throw fault('invalid', 'open', opened.console, 'it is open already');
    }
    const input = new Queue<InputEntry>(ROOM);
    const over = new AbortController();
    const inner = AbortSignal.any([signal, over.signal]);
    this.#inputs.set(opened.console, input);
    try {
      yield* opened.what === 'shell'
        ? this.#shell(opened, input, inner)
        : this.#job(opened, input, inner, over);
    } finally {
      this.#inputs.delete(opened.console);
      input.end();
      over.abort();
    }
  }

  async type(console: string, bytes: Uint8Array): Promise<void> {
    await this.#input(console).push({ kind: 'bytes', bytes });
  }

  async resize(console: string, size: TerminalSize): Promise<void> {
    await this.#input(console).push({ kind: 'size', size });
  }

  #input(console: string): Queue<InputEntry> {
    const input = this.#inputs.get(console);
    if (input === undefined) {
      throw fault('not_found', 'type', console, 'it is not open');
    }
    return input;
  }

  /** It is not opened again when the helper goes: its shell gets SIGHUP then. */
  async *#shell(
    { uuid, size }: Opened,
    input: Queue<InputEntry>,
    signal: AbortSignal,
  ): AsyncGenerator<ConsoleItem> {
    const client = await this.#link.connected(signal);
    for await (const { event } of client.jobs.execJob(shellMessages(uuid, size, input), { signal })) {
      if (event.case === 'started') {
        yield { kind: 'ready' };
      } else if (event.case === 'stdout' || event.case === 'stderr') {
        yield { kind: 'output', data: event.value, isPast: false };
      } else if (event.case === 'ended') {
        yield { kind: 'ended', exitCode: exitCodeOf(event.value) };
        return;
      }
    }
    throw fault('unavailable', 'exec', uuid, 'the helper ended the call before the shell ended');
  }

  /** Its output is that of the log. */
  async *#job(
    { uuid, size }: Opened,
    queue: Queue<InputEntry>,
    signal: AbortSignal,
    over: AbortController,
  ): AsyncGenerator<ConsoleItem> {
    const client = await this.#link.connected(signal);
    const pastBytes = Number((await client.jobs.getJob({ id: uuid }, { signal })).logBytes);
    const input = new JobInput();
    void input.readFrom(queue);
    void queue.push({ kind: 'size', size });
    let failure: unknown;
    this.#attach(uuid, input, signal).catch((error: unknown) => {
      failure = error;
      over.abort();
    });
    yield { kind: 'ready' };
    const request = {
      uuid,
      from: { offset: Math.max(0, pastBytes - PAST_BYTES) },
      stream: 'both',
      maySkip: true,
    } as const;
    try {
      for await (const item of streamLog(this.#link, request, signal)) {
        if (item.kind === 'data') {
          yield { kind: 'output', data: item.data, isPast: item.offset < pastBytes };
        } else if (item.kind === 'skipped') {
          yield { kind: 'skipped' };
        }
      }
    } catch (error) {
      throw failure ?? error;
    }
    if (failure !== undefined) {
      throw failure;
    }
    yield { kind: 'ended', exitCode: null };
  }

  /** Until the job has ended, whichever helper answers. */
  async #attach(id: string, input: JobInput, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const client = await this.#link.connected(signal);
      try {
        await client.attachJob({ id, input, signal, onClosed: () => {} });
        return;
      } catch (error) {
        if (signal.aborted || (error instanceof JobletError && error.kind === 'conflict')) {
          return;
        }
        if (!isInterruption(error)) {
          throw error;
        }
        await this.#link.afterLossOf(client, signal);
      }
    }
  }
}

async function* shellMessages(
  id: string,
  terminal: TerminalSize,
  input: AsyncIterable<InputEntry>,
): AsyncGenerator<ExecMessage> {
  yield { message: { case: 'start', value: { id, command: 'sh', terminal, term: 'xterm-256color' } } };
  for await (const entry of input) {
    yield entry.kind === 'size'
      ? { message: { case: 'resize', value: entry.size } }
      : { message: { case: 'input', value: entry.bytes } };
  }
}

/** @throws JobletError when the shell did not run. */
function exitCodeOf({ exitCode, failure }: ExecEnd): number {
  if (failure !== undefined) {
    const { layer, operation, object, cause, mend } = failure;
    throw new JobletError('refused', { layer, operation, object, reason: cause, mend });
  }
  return exitCode;
}

function fault(
  kind: 'invalid' | 'not_found' | 'unavailable',
  operation: string,
  object: string,
  reason: string,
): JobletError {
  return new JobletError(kind, { layer: 'console', operation, object, reason, mend: '' });
}
