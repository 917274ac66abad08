/** The lines of a log that match a pattern. */
import { type FileHandle, readFile } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { create } from '@bufbuild/protobuf';
import { type LogChunk, LogChunkSchema, type LogStream } from '../../api/gen/joblet_pb.js';
import { Grep, type Pattern } from './grep.ts';
import { lastLines } from './last-lines.ts';
import { LinePlaces, type Place } from './line-places.ts';
import { FRAME_BYTES } from './log-frames.ts';
import type { StreamNumber } from './log-index.ts';
import { streamNumbersOf } from './log-pieces.ts';
import { type LogSelection, rangeOf, WHOLE_LOG } from './log-range.ts';
import { type LogRequest, readLog } from './log-reader.ts';
import { withPauses } from './pauses.ts';
import type { LogBytes } from './stored-log.ts';

const NEWLINE = 0x0a;
const COLON = 0x3a;
const DIGIT_ZERO = 0x30;
/** So often a search that finds nothing tells how far it has come. */
const PROGRESS_MS = 200;

export interface LogSearchRequest extends LogRequest {
  readonly executorFd: number;
  readonly pattern: Pattern;
  /** Not the lines but where they begin, and how far the search has come. */
  readonly placesOnly: boolean;
}

/** @throws JobletError: invalid (the pattern), refused (there is no grep), or exhausted (a line is too long). */
export async function* searchLog(request: LogSearchRequest): AsyncGenerator<LogChunk> {
  const { selection, follow, hasEnded, store, folder, stream, signal } = request;
  const { tailLines } = selection;
  // Asked before the size is: what has ended grows no more.
  const isWhole = hasEnded();
  await using log = await store.open(folder);
  const streams = streamNumbersOf(stream);
  const bounds = { ...selection, tailLines: tailLines === 0 ? 0 : undefined };
  const asked = log === undefined ? selection.offset : (await rangeOf(log, bounds, streams, signal)).start;
  const start = Math.max(asked, log?.bytes.dropped ?? 0);
  if (tailLines !== undefined) {
    yield create(LogChunkSchema, { offset: BigInt(start) });
  }
  if (start > asked && tailLines === undefined) {
    yield create(LogChunkSchema, { offset: BigInt(start), droppedBytes: BigInt(start - asked) });
  }
  const search = { ...request, streams, start };
  const isBounded = selection.untilUs !== 0n || selection.endOffset !== 0;
  const isAll = isWhole && !isBounded && streams.length > 1;
  const lines =
    isAll && log !== undefined
      ? matchingLinesOfAll(log.bytes, search)
      : matchingLines(readLog({ ...request, selection: restOf(selection, start) }), search);
  yield* follow || tailLines === undefined ? lines : lastLines(lines, tailLines);
}

function restOf({ untilUs, endOffset }: LogSelection, start: number): LogSelection {
  return { ...WHOLE_LOG, offset: start, untilUs, endOffset };
}

interface LogSearch
  extends Pick<LogSearchRequest, 'executorFd' | 'pattern' | 'placesOnly' | 'store' | 'folder' | 'signal'> {
  readonly streams: readonly StreamNumber[];
  /** Where in the log it begins. */
  readonly start: number;
}

/** A part of a line that matches: where it lies in what was searched. */
interface Found {
  readonly at: number;
  readonly data: Buffer;
  readonly isBeginning: boolean;
}

/** A part of the log that is to be searched: where in it its first byte lies. */
type Block = Pick<LogChunk, 'offset' | 'data'>;

/** What a search has been given of the log. */
interface Searched {
  /** How many bytes, once that is all of them. */
  readonly bytes: () => number;
  /** Up to which offset in the log. */
  readonly position: () => Promise<number>;
}

/** @param written is called when a block has been given to the search. */
async function* matchingLines(
  blocks: AsyncIterable<Block>,
  search: LogSearch,
  written: (data: Uint8Array) => void = () => {},
): AsyncGenerator<LogChunk> {
  using grep = new Grep(search.executorFd, search.pattern);
  const input = { bytes: 0, position: search.start, hasEnded: false };
  const fed = feed(blocks, grep, input, written);
  fed.catch(() => grep[Symbol.dispose]());
  yield* found(grep, search, {
    bytes: () => (input.hasEnded ? input.bytes : Number.POSITIVE_INFINITY),
    position: async () => input.position,
  });
  await fed;
}

/** Of a log that grows no more. What is not compressed grep reads itself, as fast as it can. */
async function* matchingLinesOfAll(bytes: LogBytes, search: LogSearch): AsyncGenerator<LogChunk> {
  const size = await bytes.size();
  if (search.start < bytes.plainStart) {
    yield* matchingLines(blocksOf(bytes, search.start, size), search, giveBack);
    return;
  }
  await using plain = await bytes.openPlain();
  using grep = new Grep(search.executorFd, search.pattern, { fd: plain.file.fd, offset: search.start });
  yield* found(grep, search, {
    bytes: () => size - search.start,
    position: async () => Math.max(search.start, await positionOf(plain.file)),
  });
}

/** Of a descriptor that a child has too and reads from: they have one position. */
async function positionOf({ fd }: FileHandle): Promise<number> {
  const info = await readFile(`/proc/self/fdinfo/${fd}`, 'latin1');
  return Number(/^pos:\s*(\d+)/.exec(info)?.[1]);
}

/** The next is read while one is used. */
async function* blocksOf(bytes: LogBytes, start: number, size: number): AsyncGenerator<Block> {
  const blockAt = (offset: number) => bytes.some(offset, Math.min(FRAME_BYTES, size - offset));
  let offset = start;
  let data = await blockAt(offset);
  while (data.length > 0) {
    const end = offset + data.length;
    const next = blockAt(end);
    // Of a search that ends here it is of no interest.
    next.catch(() => undefined);
    yield { offset: BigInt(offset), data };
    offset = end;
    data = await next;
  }
}

async function feed(
  blocks: AsyncIterable<Block>,
  { input }: Grep,
  fed: { bytes: number; position: number; hasEnded: boolean },
  written: (data: Uint8Array) => void,
): Promise<void> {
  for await (const { data, offset } of blocks) {
    if (input.destroyed) {
      return;
    }
    fed.bytes += data.length;
    fed.position = Number(offset) + data.length;
    if (!input.write(data, () => written(data))) {
      await roomIn(input);
    }
  }
  fed.hasEnded = true;
  input.end();
}

/** At once: a collector that found it out would take longer than the search. A small one may lie in Node's pool, which can't be given back. */
function giveBack({ buffer }: Uint8Array): void {
  if (buffer.byteLength >= FRAME_BYTES) {
    (buffer as ArrayBuffer).transfer(0);
  }
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

async function* found(grep: Grep, search: LogSearch, searched: Searched): AsyncGenerator<LogChunk> {
  const leave = () => grep[Symbol.dispose]();
  search.signal.addEventListener('abort', leave, { once: true });
  try {
    search.signal.throwIfAborted();
    yield* search.placesOnly ? foundPlaces(grep, search, searched) : foundLines(grep, search, searched);
    await grep.ended();
  } catch (error) {
    search.signal.throwIfAborted();
    throw error;
  } finally {
    search.signal.removeEventListener('abort', leave);
  }
}

async function* foundLines(grep: Grep, search: LogSearch, searched: Searched): AsyncGenerator<LogChunk> {
  await using resources = new AsyncDisposableStack();
  let places: LinePlaces | undefined;
  for await (const parts of partsOf(grep.output)) {
    places ??= await placesOf(search, resources);
    const lines = new FoundLines();
    for (const { at, data } of parts) {
      // grep(1) ends the last line where the log has not.
      const length = Math.max(0, Math.min(data.length, searched.bytes() - at));
      for (const place of places.here(at, length) ?? (await places.of(at, length))) {
        yield* lines.add(place, data.subarray(place.from, place.from + place.length));
      }
    }
    yield* lines.take();
  }
}

async function* foundPlaces(grep: Grep, search: LogSearch, searched: Searched): AsyncGenerator<LogChunk> {
  await using resources = new AsyncDisposableStack();
  let places: LinePlaces | undefined;
  let told = -1;
  for await (const parts of withPauses(partsOf(grep.output), PROGRESS_MS)) {
    const position = await searched.position();
    const lineOffsets: bigint[] = [];
    for (const { at } of parts?.filter(({ isBeginning }) => isBeginning) ?? []) {
      if (search.streams.length > 1) {
        lineOffsets.push(BigInt(search.start + at));
      } else {
        places ??= await placesOf(search, resources);
        const [place] = places.here(at, 1) ?? (await places.of(at, 1));
        lineOffsets.push(BigInt((place as Place).offset));
      }
    }
    if (lineOffsets.length > 0 || position > told) {
      told = position;
      yield create(LogChunkSchema, { offset: BigInt(position), lineOffsets });
    }
  }
  yield create(LogChunkSchema, { offset: BigInt(await searched.position()) });
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
  let isBeginning = false;
  for await (const block of output) {
    const parts: Found[] = [];
    for (let from = 0; from < block.length; ) {
      if (at === undefined) {
        const byte = block[from] as number;
        from += 1;
        if (byte === COLON) {
          at = offset;
          offset = 0;
          isBeginning = true;
        } else {
          offset = offset * 10 + byte - DIGIT_ZERO;
        }
        continue;
      }
      const newline = block.indexOf(NEWLINE, from);
      const end = newline < 0 ? block.length : newline + 1;
      parts.push({ at, data: block.subarray(from, end), isBeginning });
      isBeginning = false;
      at = newline < 0 ? at + end - from : undefined;
      from = end;
    }
    yield parts;
  }
}
