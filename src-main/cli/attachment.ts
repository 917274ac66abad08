/** Sitting before a job: its output here, and what is typed or piped in to it. */
import { JobletError } from '../../native-helper/api/errors.ts';
import { type InputEntry, JobInput, Queue } from '../client/index.ts';
import type { Cli, Invocation } from './cli.ts';
import type { Client } from './connection.ts';
import { untilDetached } from './detach.ts';
import { ExitCode } from './errors.ts';
import { copyOutput, endOf, tellOfEnd } from './job-result.ts';
import { DetachKeys } from './terminal/detach-keys.ts';
import { localSize, takeTerminal } from './terminal/local-terminal.ts';

/** Pieces of input that may wait; a piece is what one read gave. */
const ROOM = 4;

export interface Attachment {
  readonly client: Client;
  readonly id: string;
  /** Of the first byte of output to show. */
  readonly offset: bigint;
  /** Whether the job has a terminal, and ours is to be it. */
  readonly hasTerminal: boolean;
  /** Whether programs on the terminal are to draw it again, as they do when its size changes. */
  readonly mustRedraw?: boolean;
}

/** @returns the exit code: the job's, 0 when the person detached by the keys for it, or 128 + the signal. */
export function attach(
  invocation: Pick<Invocation<never>, 'cli' | 'globals'>,
  attachment: Attachment,
): Promise<number> {
  const { client, id, offset } = attachment;
  const { cli } = invocation;
  return untilDetached(cli, [id], async (signal) => {
    const over = new AbortController();
    const inner = AbortSignal.any([signal, over.signal]);
    using source = attachment.hasTerminal ? typed(attachment.mustRedraw ?? false) : piped();
    const input = new JobInput();
    void input.readFrom(source.entries);
    const sending = client
      .attachJob({ id, input, signal: inner, onClosed: source.close })
      .catch(unlessOver(inner));
    try {
      const output = copyOutput(cli, client, { id, offset, signal: inner });
      const isDetached = await Promise.race([
        Promise.all([output, sending]).then(() => false),
        source.detached.then(() => true),
      ]);
      if (isDetached) {
        source[Symbol.dispose]();
        await cli.stderr.write(detachedText(cli, id));
        return ExitCode.success;
      }
    } finally {
      over.abort();
    }
    const end = await endOf(client, id, signal);
    source[Symbol.dispose]();
    return tellOfEnd(invocation, end);
  });
}

function detachedText({ programName }: Cli, id: string): string {
  return `\n${programName}: detached; job ${id} goes on. Come back: ${programName} job attach ${id}\n`;
}

/** A job that has ended takes no input, which is no fault: its output and its end are told all the same. */
function unlessOver(signal: AbortSignal): (error: unknown) => void {
  return (error) => {
    const hasEnded = error instanceof JobletError && error.kind === 'conflict';
    if (!signal.aborted && !hasEnded) {
      throw error;
    }
  };
}

interface Source extends Disposable {
  readonly entries: AsyncIterable<InputEntry>;
  /** Resolves when the person wants to leave. */
  readonly detached: Promise<void>;
  /** Nobody wants more of it. */
  readonly close: () => void;
}

/** Standard input as it is, to its end. */
function piped(): Source {
  const { stdin } = process;
  const queue = new Queue<InputEntry>(ROOM);
  const read = async () => {
    for await (const bytes of stdin) {
      await queue.push({ kind: 'bytes', bytes });
    }
    queue.end();
  };
  // What can't be read any more has come to its end.
  read().catch(() => queue.end());
  const close = () => void stdin.destroy();
  return { entries: queue, detached: new Promise(() => {}), close, [Symbol.dispose]: close };
}

/** Each key, and each size of the terminal. It has no end: who goes away detaches. */
function typed(mustRedraw: boolean): Source {
  const { stdin } = process;
  const queue = new Queue<InputEntry>(ROOM);
  const detached = Promise.withResolvers<void>();
  const keys = new DetachKeys();
  const size = localSize();
  const terminal = takeTerminal((changed) => void queue.push({ kind: 'size', size: changed }));
  if (mustRedraw) {
    // Who is told the size that it has already draws nothing.
    void queue.push({ kind: 'size', size: { ...size, rows: Math.max(1, size.rows - 1) } });
  }
  void queue.push({ kind: 'size', size });
  const onData = (data: Buffer) => {
    const { bytes, isDetached } = keys.push(data);
    stdin.pause();
    void queue.push({ kind: 'bytes', bytes }).then(() => stdin.resume());
    if (isDetached) {
      detached.resolve();
    }
  };
  stdin.on('data', onData);
  stdin.once('end', () => detached.resolve());
  let isOver = false;
  return {
    entries: queue,
    detached: detached.promise,
    close: () => {},
    [Symbol.dispose]() {
      if (!isOver) {
        isOver = true;
        stdin.off('data', onData);
        stdin.pause();
        terminal[Symbol.dispose]();
      }
    },
  };
}
