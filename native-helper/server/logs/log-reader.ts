/** A job's log as a stream: history and live output are one sequence, joined by offset. */
import { type FSWatcher, watch } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { create } from '@bufbuild/protobuf';
import { causeOf } from '../../api/errors.ts';
import { type LogChunk, LogChunkSchema, type LogStream } from '../../api/gen/joblet_pb.js';
import { Wakeup } from '../wakeup.ts';
import type { LogRecord, StreamNumber } from './log-index.ts';
import { noteMessage } from './log-note.ts';
import { blocksOf, type Piece, piecesOf, RECORDS_AT_ONCE, streamNumbersOf } from './log-pieces.ts';
import { type LogSelection, rangeOf } from './log-range.ts';
import type { LogStore, OpenLog } from './log-store.ts';
import type { LogBytes } from './stored-log.ts';

/**
 * A follower looks at most so often: a job that writes a line every 100 µs would otherwise wake the helper as often.
 * The first bytes after a silence are sent at once.
 */
const PACE_MS = 10;

export interface LogRequest {
  readonly store: LogStore;
  /** Of the job. */
  readonly folder: string;
  readonly selection: LogSelection;
  readonly stream: LogStream;
  /** Go on until the job has ended and all is sent. */
  readonly follow: boolean;
  readonly hasEnded: () => boolean;
  /** Calls back at each change of the job. */
  readonly onChange: (listener: () => void) => Disposable;
  readonly signal: AbortSignal;
}

/**
 * Reads only when it is asked for the next chunk: a slow reader costs two descriptors and one block of memory, and
 * slows nothing. A follower sleeps on inotify(7) and on the job's own changes.
 */
export async function* readLog(request: LogRequest): AsyncGenerator<LogChunk> {
  const { follow, hasEnded, folder, signal } = request;
  const wakeup = new Wakeup();
  using _ = request.onChange(wakeup.wake);
  await using files = new LogFiles(request);
  yield* files.selected(signal);
  while (!signal.aborted) {
    // Both are asked before reading: what is written or ends afterwards wakes us again.
    const isComplete = !follow || hasEnded();
    using __ = follow && !isComplete ? watchOnce(join(folder, 'log'), wakeup.wake) : undefined;
    let sentAt = Number.NEGATIVE_INFINITY;
    for await (const chunk of files.unread(signal)) {
      yield chunk;
      sentAt = performance.now();
    }
    if (isComplete) {
      return;
    }
    await wakeup.wait(signal);
    const early = sentAt + PACE_MS - performance.now();
    if (early > 0 && !hasEnded()) {
      await delay(early, undefined, { signal }).catch(() => undefined);
    }
  }
}

/** Tells of the next write only: until the reader is ready for another, there is nothing that it could do. */
function watchOnce(path: string, wake: () => void): Disposable | undefined {
  let watcher: FSWatcher;
  const happened = () => {
    watcher.close();
    wake();
  };
  try {
    watcher = watch(path, { persistent: false }, happened);
  } catch (error) {
    // The monitor has not made it yet; the start of the job is a change of which we hear.
    if (causeOf(error) === 'ENOENT') {
      return undefined;
    }
    throw error;
  }
  watcher.on('error', happened);
  return { [Symbol.dispose]: () => watcher.close() };
}

class LogFiles implements AsyncDisposable {
  readonly #request: LogRequest;
  readonly #streams: readonly StreamNumber[];
  #open: OpenLog | undefined;
  /** Of the next byte to send. */
  #position: number;
  /** The record in which it lies, once that has been looked for. */
  #record: number | undefined;
  /** Where to end: who does not follow gets what was there at first, however fast the job writes. */
  #end: number | undefined;

  constructor(request: LogRequest) {
    this.#request = request;
    this.#position = request.selection.offset;
    this.#streams = streamNumbersOf(request.stream);
  }

  /** Where the reader begins is looked up once; what is not there yet comes after it. */
  async *selected(signal: AbortSignal): AsyncGenerator<LogChunk> {
    const { selection, follow } = this.#request;
    await this.#isThere();
    if (this.#open !== undefined) {
      const { start, end } = await rangeOf(this.#open, selection, this.#streams, signal);
      this.#position = start;
      this.#end = follow ? Number.POSITIVE_INFINITY : end;
    }
    if (selection.tailLines !== undefined) {
      yield create(LogChunkSchema, { offset: BigInt(this.#position) });
    }
  }

  /** All that is in the log now, and what is added while it is read. */
  async *unread(signal: AbortSignal): AsyncGenerator<LogChunk> {
    if (!(await this.#isThere())) {
      return;
    }
    const { bytes, index } = this.#open as OpenLog;
    while (!signal.aborted) {
      yield* this.#skipDropped(bytes);
      const written = await bytes.size();
      this.#end ??= this.#request.follow ? Number.POSITIVE_INFINITY : written;
      const size = Math.min(written, this.#end);
      const count = await index.count();
      if (count === 0) {
        return;
      }
      this.#record ??= await index.find(this.#position, count);
      const records = await index.read(this.#record, Math.min(RECORDS_AT_ONCE, count - this.#record));
      const pieces = piecesOf(records, this.#position, size, this.#streams);
      if (records.length === 0 || (this.#position >= size && pieces.length === 0)) {
        return;
      }
      if (yield* this.#sent(bytes, pieces)) {
        this.#advance(records, size);
      }
    }
  }

  async #isThere(): Promise<boolean> {
    const { store, folder } = this.#request;
    this.#open ??= await store.open(folder);
    return this.#open !== undefined;
  }

  /** Never silently. */
  *#skipDropped({ dropped }: LogBytes): Generator<LogChunk> {
    if (this.#position < dropped) {
      const droppedBytes = BigInt(dropped - this.#position);
      this.#position = dropped;
      this.#record = undefined;
      yield create(LogChunkSchema, { offset: BigInt(dropped), droppedBytes });
    }
  }

  /** @returns false when they are taken away meanwhile. */
  async *#sent(bytes: LogBytes, pieces: readonly Piece[]): AsyncGenerator<LogChunk, boolean> {
    for (const block of blocksOf(pieces)) {
      const start = (block[0] as Piece).offset;
      const last = block[block.length - 1] as Piece;
      // A new buffer for each block: the chunks are views of it, and are the receiver's to keep.
      const buffer = Buffer.allocUnsafeSlow(last.offset + last.length - start);
      const [count, size] = await Promise.all([bytes.read(buffer, start), bytes.size()]);
      if (start < bytes.dropped) {
        this.#position = start;
        return false;
      }
      for (const { timeUs, stream, offset, length, note } of block) {
        const data = buffer.subarray(offset - start, Math.min(offset - start + length, count));
        yield create(LogChunkSchema, {
          offset: BigInt(offset),
          timeUs,
          stream: stream as LogStream,
          data,
          logBytes: BigInt(size),
          ...(note !== undefined && { note: noteMessage(note) }),
        });
      }
    }
    return true;
  }

  /** A record whose bytes are not all there yet is looked at again. */
  #advance(records: readonly LogRecord[], size: number): void {
    for (const { offset, length } of records) {
      const end = offset + length;
      this.#position = Math.max(this.#position, Math.min(end, size));
      if (end <= size) {
        this.#record = (this.#record ?? 0) + 1;
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#open?.[Symbol.asyncDispose]();
  }
}
