/** The lines of a log that match a pattern. */
import type { Writable } from 'node:stream';
import { create } from '@bufbuild/protobuf';
import { JobletError } from '../../api/errors.ts';
import { type LogChunk, LogChunkSchema, type LogStream } from '../../api/gen/joblet_pb.js';
import { Grep, type Pattern } from './grep.ts';
import { LinePlaces, type Place } from './line-places.ts';
import { FRAME_BYTES } from './log-frames.ts';
import type { StreamNumber } from './log-index.ts';
import { streamNumbersOf } from './log-pieces.ts';
import { type LogSelection, rangeOf } from './log-range.ts';
import { type LogRequest, readLog } from './log-reader.ts';
import type { LogBytes } from './stored-log.ts';

const NEWLINE = 0x0a;
const COLON = 0x3a;
const DIGIT_ZERO = 0x30;
/** That the last lines asked for may take together while the search goes on. */
const HELD_BYTES_MAXIMUM = 64 * 1024 * 1024;

export interface LogSearchRequest extends LogRequest {
  readonly executorFd: number;
  readonly pattern: Pattern;
}

/** @throws JobletError: invalid (the pattern), refused (there is no grep), or exhausted (a line is too long). */
export async function* searchLog(request: LogSearchRequest): AsyncGenerator<LogChunk> {
  const { selection, follow, hasEnded, store, folder, stream, signal } = request;
  const { tailLines } = selection;
  // Asked before the size is: what has ended grows no more.
  const isWhole = !follow && hasEnded();
  await using log = await store.open(folder);
  const streams = streamNumbersOf(stream);
  const bounds = { ...selection, tailLines: tailLines === 0 ? 0 : undefined };
  const start = log === undefined ? selection.offset : (await rangeOf(log, bounds, streams, signal)).start;
  if (tailLines !== undefined) {
    yield create(LogChunkSchema, { offset: BigInt(start) });
  }
  const search = { ...request, streams, start };
  const lines =
    log !== undefined && isWhole && selection.untilUs === 0n && streams.length > 1
      ? matchingLinesOfAll(log.bytes, search)
      : matchingLines(dataOf(readLog({ ...request, selection: restOf(selection, start) })), search);
  yield* follow || tailLines === undefined ? lines : lastLines(lines, tailLines);
}

function restOf({ untilUs }: LogSelection, start: number): LogSelection {
  return { offset: start, sinceUs: 0n, untilUs, tailLines: undefined };
}

interface LogSearch extends Pick<LogSearchRequest, 'executorFd' | 'pattern' | 'store' | 'folder' | 'signal'> {
  readonly streams: readonly StreamNumber[];
  /** Where in the log it begins. */
  readonly start: number;
}

/** A part of a line that matches: where it lies in what was searched. */
interface Found {
  readonly at: number;
  readonly data: Buffer;
}

/** @param written is called when a block has been given to the search. */
async function* matchingLines(
  data: AsyncIterable<Uint8Array>,
  search: LogSearch,
  written: (block: Uint8Array) => void = () => {},
): AsyncGenerator<LogChunk> {
  using grep = new Grep(search.executorFd, search.pattern);
  const input = { bytes: 0, hasEnded: false };
  const fed = feed(data, grep, input, written);
  fed.catch(() => grep[Symbol.dispose]());
  yield* found(grep, search, () => (input.hasEnded ? input.bytes : Number.POSITIVE_INFINITY));
  await fed;
}

/** Of a log that grows no more. What is not compressed grep reads itself, as fast as it can. */
async function* matchingLinesOfAll(bytes: LogBytes, search: LogSearch): AsyncGenerator<LogChunk> {
  const size = await bytes.size();
  using plain = bytes.holdPlain();
  if (search.start < bytes.plainStart) {
    yield* matchingLines(blocksOf(bytes, search.start, size), search, giveBack);
    return;
  }
  using grep = new Grep(search.executorFd, search.pattern, { fd: plain.fd, offset: search.start });
  yield* found(grep, search, () => size - search.start);
}

async function* dataOf(chunks: AsyncIterable<LogChunk>): AsyncGenerator<Uint8Array> {
  for await (const { data } of chunks) {
    yield data;
  }
}

/** The next is read while one is used. */
async function* blocksOf(bytes: LogBytes, start: number, end: number): AsyncGenerator<Buffer> {
  const blockAt = (offset: number) => bytes.some(offset, Math.min(FRAME_BYTES, end - offset));
  let offset = start;
  let block = await blockAt(offset);
  while (block.length > 0) {
    offset += block.length;
    const next = blockAt(offset);
    // Of a search that ends here it is of no interest.
    next.catch(() => undefined);
    yield block;
    block = await next;
  }
}

/** @throws JobletError (exhausted) when they are too long to be held. */
async function* lastLines(lines: AsyncIterable<LogChunk>, number: number): AsyncGenerator<LogChunk> {
  const held: LogChunk[] = [];
  let ends = 0;
  let bytes = 0;
  for await (const chunk of lines) {
    held.push(chunk);
    ends += endsIn(chunk).length;
    bytes += chunk.data.length;
    for (let [first] = held; first !== undefined && held.length > 1; [first] = held) {
      const left = ends - endsIn(first).length;
      if (left <= number) {
        break;
      }
      held.shift();
      ends = left;
      bytes -= first.data.length;
    }
    if (bytes > HELD_BYTES_MAXIMUM) {
      throw tooLong(number);
    }
  }
  const isEnded = held.at(-1)?.data.at(-1) === NEWLINE;
  yield* withoutFirst(held, ends - (isEnded ? number : number - 1));
}

/** Which of its parts end a line. */
function endsIn({ data, lineBytes }: LogChunk): number[] {
  let at = 0;
  return lineBytes.flatMap((bytes, part) => {
    at += bytes;
    return data[at - 1] === NEWLINE ? [part] : [];
  });
}

function* withoutFirst(chunks: readonly LogChunk[], lines: number): Generator<LogChunk> {
  let left = lines;
  for (const chunk of chunks) {
    const ends = endsIn(chunk);
    if (left <= 0) {
      yield chunk;
    } else if (ends.length >= left) {
      const parts = (ends[left - 1] as number) + 1;
      const bytes = chunk.lineBytes.slice(0, parts).reduce((sum, each) => sum + each, 0);
      yield create(LogChunkSchema, {
        offset: chunk.lineOffsets[parts] ?? chunk.offset,
        timeUs: chunk.lineTimesUs[parts] ?? chunk.timeUs,
        stream: chunk.stream,
        data: chunk.data.subarray(bytes),
        lineBytes: chunk.lineBytes.slice(parts),
        lineOffsets: chunk.lineOffsets.slice(parts),
        lineTimesUs: chunk.lineTimesUs.slice(parts),
      });
    }
    left -= ends.length;
  }
}

async function feed(
  data: AsyncIterable<Uint8Array>,
  { input }: Grep,
  fed: { bytes: number; hasEnded: boolean },
  written: (block: Uint8Array) => void,
): Promise<void> {
  for await (const block of data) {
    if (input.destroyed) {
      return;
    }
    fed.bytes += block.length;
    if (!input.write(block, () => written(block))) {
      await roomIn(input);
    }
  }
  fed.hasEnded = true;
  input.end();
}

/** At once: a collector that found it out would take longer than the search. */
function giveBack({ buffer }: Uint8Array): void {
  (buffer as ArrayBuffer).transfer(0);
}

/** Resolves when it takes more, or never will. */
function roomIn(input: Writable): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const done = () => {
    input.off('drain', done).off('close', done);
    resolve();
  };
  input.on('drain', done).on('close', done);
  return promise;
}

/** @param searched bytes, once all of them have been given to it. */
async function* found(grep: Grep, search: LogSearch, searched: () => number): AsyncGenerator<LogChunk> {
  await using resources = new AsyncDisposableStack();
  let places: LinePlaces | undefined;
  const leave = () => grep[Symbol.dispose]();
  search.signal.addEventListener('abort', leave, { once: true });
  try {
    search.signal.throwIfAborted();
    for await (const parts of partsOf(grep.output)) {
      places ??= await placesOf(search, resources);
      const lines = new FoundLines();
      for (const { at, data } of parts) {
        // grep(1) ends the last line where the log has not.
        const length = Math.max(0, Math.min(data.length, searched() - at));
        for (const place of places.here(at, length) ?? (await places.of(at, length))) {
          yield* lines.add(place, data.subarray(place.from, place.from + place.length));
        }
      }
      yield* lines.take();
    }
    await grep.ended();
  } catch (error) {
    search.signal.throwIfAborted();
    throw error;
  } finally {
    search.signal.removeEventListener('abort', leave);
  }
}

async function placesOf(search: LogSearch, resources: AsyncDisposableStack): Promise<LinePlaces> {
  const log = await search.store.open(search.folder);
  if (log === undefined) {
    throw new Error(`the log of ${search.folder} was there a moment ago`);
  }
  resources.use(log);
  return new LinePlaces(log.index, search.streams, search.start);
}

/** Lines that are sent together: of one stream. */
class FoundLines {
  #places: Place[] = [];
  #data: Buffer[] = [];

  *add(place: Place, data: Buffer): Generator<LogChunk> {
    if (this.#places[0] !== undefined && this.#places[0].stream !== place.stream) {
      yield* this.take();
    }
    this.#places.push(place);
    this.#data.push(data);
  }

  *take(): Generator<LogChunk> {
    const [first] = this.#places;
    if (first === undefined) {
      return;
    }
    yield create(LogChunkSchema, {
      offset: BigInt(first.offset),
      timeUs: first.timeUs,
      stream: first.stream as LogStream,
      data: Buffer.concat(this.#data),
      lineBytes: this.#places.map(({ length }) => length),
      lineOffsets: this.#places.map(({ offset }) => BigInt(offset)),
      lineTimesUs: this.#places.map(({ timeUs }) => timeUs),
    });
    this.#places = [];
    this.#data = [];
  }
}

/** Cuts what grep(1) prints into the lines that it found, and those that are long into parts: block by block. */
async function* partsOf(output: AsyncIterable<Buffer>): AsyncGenerator<Found[]> {
  let at: number | undefined;
  let offset = 0;
  for await (const block of output) {
    const parts: Found[] = [];
    for (let from = 0; from < block.length; ) {
      if (at === undefined) {
        const byte = block[from] as number;
        from += 1;
        if (byte === COLON) {
          at = offset;
          offset = 0;
        } else {
          offset = offset * 10 + byte - DIGIT_ZERO;
        }
        continue;
      }
      const newline = block.indexOf(NEWLINE, from);
      const end = newline < 0 ? block.length : newline + 1;
      parts.push({ at, data: block.subarray(from, end) });
      at = newline < 0 ? at + end - from : undefined;
      from = end;
    }
    yield parts;
  }
}

function tooLong(number: number): JobletError {
  return new JobletError('exhausted', {
    layer: 'search',
    operation: 'hold',
    object: `the last ${number} lines that match`,
    reason: `they take more than ${HELD_BYTES_MAXIMUM} bytes`,
    mend: 'Ask for fewer of them, or for all.',
  });
}
