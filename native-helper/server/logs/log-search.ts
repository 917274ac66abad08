/** The lines of a log that match a pattern. */
import { once } from 'node:events';
import { type FileHandle, readFile } from 'node:fs/promises';
import { create } from '@bufbuild/protobuf';
import { type LogChunk, LogChunkSchema, type LogStream } from '../../api/gen/joblet_pb.js';
import { Grep, type Pattern } from './grep.ts';
import { lastLines } from './last-lines.ts';
import { LinePlaces, type Place } from './line-places.ts';
import type { StreamNumber } from './log-index.ts';
import { streamNumbersOf } from './log-pieces.ts';
import { type LogSelection, rangeOf, WHOLE_LOG } from './log-range.ts';
import { type LogRequest, openLog, readLog } from './log-reader.ts';
import { withPauses } from './pauses.ts';

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
  const { selection, follow, hasEnded, stream, signal } = request;
  const { tailLines } = selection;
  // Asked before the size is: what has ended grows no more.
  const isWhole = hasEnded();
  await using files = await openLog(request);
  const streams = streamNumbersOf(stream);
  const bounds = { ...selection, tailLines: tailLines === 0 ? 0 : undefined };
  const start =
    files === undefined ? selection.offset : (await rangeOf(files, bounds, streams, signal)).start;
  if (tailLines !== undefined) {
    yield create(LogChunkSchema, { offset: BigInt(start) });
  }
  const search = { ...request, streams, start };
  const isBounded = selection.untilUs !== 0n || selection.endOffset !== 0;
  const isFile = isWhole && !isBounded && streams.length > 1;
  const lines =
    isFile && files !== undefined
      ? matchingLinesOfFile(files.log, search)
      : matchingLines(readLog({ ...request, selection: restOf(selection, start) }), search);
  yield* follow || tailLines === undefined ? lines : lastLines(lines, tailLines);
}

function restOf({ untilUs, endOffset }: LogSelection, start: number): LogSelection {
  return { ...WHOLE_LOG, offset: start, untilUs, endOffset };
}

interface LogSearch
  extends Pick<
    LogSearchRequest,
    'executorFd' | 'pattern' | 'placesOnly' | 'logPath' | 'indexPath' | 'signal'
  > {
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

/** What a search has been given of the log. */
interface Searched {
  /** How many bytes, once that is all of them. */
  readonly bytes: () => number;
  /** Up to which offset in the log. */
  readonly position: () => Promise<number>;
}

async function* matchingLines(chunks: AsyncIterable<LogChunk>, search: LogSearch): AsyncGenerator<LogChunk> {
  using grep = new Grep(search.executorFd, search.pattern);
  const input = { bytes: 0, position: search.start, hasEnded: false };
  const fed = feed(chunks, grep, input);
  fed.catch(() => grep[Symbol.dispose]());
  yield* found(grep, search, {
    bytes: () => (input.hasEnded ? input.bytes : Number.POSITIVE_INFINITY),
    position: async () => input.position,
  });
  await fed;
}

/** Of a log that is whole in its file and grows no more: grep reads the file itself, as fast as it can. */
async function* matchingLinesOfFile(file: FileHandle, search: LogSearch): AsyncGenerator<LogChunk> {
  const { size } = await file.stat();
  using grep = new Grep(search.executorFd, search.pattern, { fd: file.fd, offset: search.start });
  yield* found(grep, search, {
    bytes: () => size - search.start,
    position: async () => Math.max(search.start, await positionOf(file)),
  });
}

/** Of a descriptor that a child has too and reads from: they have one position. */
async function positionOf({ fd }: FileHandle): Promise<number> {
  const info = await readFile(`/proc/self/fdinfo/${fd}`, 'latin1');
  return Number(/^pos:\s*(\d+)/.exec(info)?.[1]);
}

async function feed(
  chunks: AsyncIterable<LogChunk>,
  { input }: Grep,
  fed: { bytes: number; position: number; hasEnded: boolean },
): Promise<void> {
  for await (const { data, offset } of chunks) {
    if (input.destroyed) {
      return;
    }
    fed.bytes += data.length;
    fed.position = Number(offset) + data.length;
    if (!input.write(data)) {
      await Promise.race([once(input, 'drain'), once(input, 'close')]).catch(() => undefined);
    }
  }
  fed.hasEnded = true;
  input.end();
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
  const files = await openLog(search);
  if (files === undefined) {
    throw new Error(`${search.logPath} was there a moment ago`);
  }
  resources.use(files);
  return new LinePlaces(files.index, search.streams, search.start);
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
