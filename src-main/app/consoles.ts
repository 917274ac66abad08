/** What can be typed into: terminals and inputs of jobs that run, and shells in them. Each lives as long as its stream to the window. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import { JobletError } from '../../native-helper/api/errors.ts';
import type { ExecEnd, ExecJobRequestSchema } from '../../native-helper/api/gen/joblet_pb.js';
import {
  type AttachOptions,
  type InputEntry,
  isInterruption,
  JobInput,
  Queue,
  type TerminalSize,
} from '../client/index.ts';
import type { ConsoleItem, StreamItem, StreamPayload } from '../ipc/contract.ts';
import type { Link } from './link.ts';
import { streamLog } from './log/log-stream.ts';

type Opened = StreamPayload<'console'>;
type ExecMessage = MessageInitShape<typeof ExecJobRequestSchema>;

/** By its path: a job may have a PATH without it. */
const SHELL = '/bin/sh';
/** Pieces of input that may wait. */
const ROOM = 4;
/** Of what a job has printed before: a few screens. */
const PAST_BYTES = 64 * 1024;

type Attachment = Omit<AttachOptions, 'id'>;

export class Consoles {
  readonly #link: Link;
  readonly #inputs = new Map<string, Queue<InputEntry>>();

  constructor(link: Link) {
    this.#link = link;
  }

  open(opened: Opened, signal: AbortSignal): AsyncGenerator<ConsoleItem> {
    return this.#while(opened.console, signal, (input, inner, over) =>
      opened.what === 'shell' ? this.#shell(opened, input, inner) : this.#job(opened, input, inner, over),
    );
  }

  openInput(
    { uuid, console }: StreamPayload<'input'>,
    signal: AbortSignal,
  ): AsyncGenerator<StreamItem<'input'>> {
    return this.#while(console, signal, (input, inner) => this.#input(uuid, input, inner));
  }

  async type(console: string, bytes: Uint8Array): Promise<void> {
    await this.#open(console).push({ kind: 'bytes', bytes });
  }

  endInput(console: string): void {
    this.#open(console).end();
  }

  async resize(console: string, size: TerminalSize): Promise<void> {
    await this.#open(console).push({ kind: 'size', size });
  }

  /** Has a queue of what is typed, under its name, as long as it is read. */
  async *#while<Item>(
    name: string,
    signal: AbortSignal,
    read: (input: Queue<InputEntry>, signal: AbortSignal, over: AbortController) => AsyncGenerator<Item>,
  ): AsyncGenerator<Item> {
    if (this.#inputs.has(name)) {
      throw fault('invalid', 'open', name, 'it is open already');
    }
    const input = new Queue<InputEntry>(ROOM);
    const over = new AbortController();
    this.#inputs.set(name, input);
    try {
      yield* read(input, AbortSignal.any([signal, over.signal]), over);
    } finally {
      this.#inputs.delete(name);
      over.abort();
      input.end();
    }
  }

  #open(console: string): Queue<InputEntry> {
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
    input.readFrom(unlessLeft(queue, signal)).catch(() => undefined);
    void queue.push({ kind: 'size', size });
    let failure: unknown;
    this.#attach(uuid, { input, signal, onClosed: () => {} }).catch((error: unknown) => {
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

  /** Who leaves it has not ended it: the next goes on. */
  async *#input(
    uuid: string,
    queue: Queue<InputEntry>,
    signal: AbortSignal,
  ): AsyncGenerator<StreamItem<'input'>> {
    const input = new JobInput();
    const closed = Promise.withResolvers<'closed'>();
    input.readFrom(unlessLeft(queue, signal)).catch(() => undefined);
    const attached = this.#attach(uuid, { input, signal, onClosed: () => closed.resolve('closed') });
    attached.catch(() => undefined);
    yield { kind: 'ready' };
    if ((await Promise.race([attached, closed.promise])) === 'closed') {
      yield { kind: 'closed' };
    }
    await attached;
  }

  /** Until the job has ended, whichever helper answers. */
  async #attach(id: string, attachment: Attachment): Promise<void> {
    const { signal } = attachment;
    while (!signal.aborted) {
      const client = await this.#link.connected(signal);
      try {
        await client.attachJob({ id, ...attachment });
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

async function* unlessLeft(
  entries: AsyncIterable<InputEntry>,
  signal: AbortSignal,
): AsyncGenerator<InputEntry> {
  yield* entries;
  signal.throwIfAborted();
}

async function* shellMessages(
  id: string,
  terminal: TerminalSize,
  input: AsyncIterable<InputEntry>,
): AsyncGenerator<ExecMessage> {
  yield { message: { case: 'start', value: { id, command: SHELL, terminal, term: 'xterm-256color' } } };
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
