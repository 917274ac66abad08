/** Where a reader of a log begins and ends: by time, and by lines counted from the end. */
import type { LogIndex, LogRecord, StreamNumber } from './log-index.ts';
import { blocksOf, type Piece, piecesOf, RECORDS_AT_ONCE } from './log-pieces.ts';
import type { OpenLog } from './log-store.ts';

const NEWLINE = 0x0a;

/** What was asked for; all that is there has to hold. */
export interface LogSelection {
  /** Of the first byte, in the log of both streams. */
  readonly offset: number;
  /** µs since the epoch; 0: no bound. */
  readonly sinceUs: bigint;
  readonly untilUs: bigint;
  readonly tailLines: number | undefined;
  /** Of the byte after the last, in the log of both streams; 0: no bound. */
  readonly endOffset: number;
  /** Of the wanted streams; 0: no bound. */
  readonly tailBytes: number;
}

/** Of the whole log. */
export const WHOLE_LOG: LogSelection = {
  offset: 0,
  sinceUs: 0n,
  untilUs: 0n,
  tailLines: undefined,
  endOffset: 0,
  tailBytes: 0,
};

/** Bytes of the log of both streams. */
export interface LogRange {
  readonly start: number;
  readonly end: number;
}

/** Of what is in the log now. Reads the ends of lines only where they are counted, from the end of the log on. */
export async function rangeOf(
  { bytes, index }: OpenLog,
  { offset, sinceUs, untilUs, tailLines, endOffset, tailBytes }: LogSelection,
  streams: readonly StreamNumber[],
  signal: AbortSignal,
): Promise<LogRange> {
  const count = await index.count();
  const size = await bytes.size();
  const offsetOfTime = async (timeUs: bigint): Promise<number> => {
    const [record] = await index.read(await index.findTime(timeUs, count), 1);
    return Math.min(size, record?.offset ?? size);
  };
  const end = Math.min(
    untilUs === 0n ? size : await offsetOfTime(untilUs),
    endOffset === 0 ? size : endOffset,
  );
  let start = Math.max(offset, sinceUs === 0n ? 0 : await offsetOfTime(sinceUs));
  if (tailBytes > 0) {
    start = await startOfLastBytes(index, { start, end }, streams, tailBytes);
  }
  if (tailLines !== undefined) {
    start = await startOfLastLines(
      { bytes, index },
      { start: Math.max(start, bytes.dropped), end },
      streams,
      tailLines,
      signal,
    );
  }
  return { start, end };
}

async function startOfLastBytes(
  index: LogIndex,
  { start, end }: LogRange,
  streams: readonly StreamNumber[],
  bytes: number,
): Promise<number> {
  if (streams.length > 1) {
    return Math.max(start, end - bytes);
  }
  let left = bytes;
  for await (const records of recordsFromEnd(index, { start, end })) {
    for (const { offset, length } of piecesOf(records, start, end, streams).reverse()) {
      if (length >= left) {
        return offset + length - left;
      }
      left -= length;
    }
  }
  return start;
}

/** A line may come in many reads, and between those of the other stream. Its end belongs to it: the last byte begins no line. */
async function startOfLastLines(
  log: Pick<OpenLog, 'bytes' | 'index'>,
  { start, end }: LogRange,
  streams: readonly StreamNumber[],
  lines: number,
  signal: AbortSignal,
): Promise<number> {
  let left = lines;
  let isLastByte = true;
  if (left === 0) {
    return Math.max(start, end);
  }
  for await (const piece of piecesFromEnd(log, { start, end }, streams)) {
    if (signal.aborted) {
      break;
    }
    for (let before = piece.data.length - (isLastByte ? 1 : 0); before > 0; ) {
      const at = piece.data.lastIndexOf(NEWLINE, before - 1);
      if (at < 0) {
        break;
      }
      left -= 1;
      if (left === 0) {
        return piece.offset + at + 1;
      }
      before = at;
    }
    isLastByte = false;
  }
  return start;
}

/** The last of them first; those of one batch in their order. */
async function* recordsFromEnd(index: LogIndex, { start, end }: LogRange): AsyncGenerator<LogRecord[]> {
  const count = await index.count();
  const first = start === 0 ? 0 : await index.find(start, count);
  let last = await index.find(Math.max(0, end - 1), count);
  while (last >= first) {
    const from = Math.max(first, last + 1 - RECORDS_AT_ONCE);
    yield await index.read(from, last + 1 - from);
    last = from - 1;
  }
}

/** One block of memory is held at a time. */
async function* piecesFromEnd(
  { bytes, index }: Pick<OpenLog, 'bytes' | 'index'>,
  { start, end }: LogRange,
  streams: readonly StreamNumber[],
): AsyncGenerator<{ readonly offset: number; readonly data: Buffer }> {
  for await (const records of recordsFromEnd(index, { start, end })) {
    for (const block of [...blocksOf(piecesOf(records, start, end, streams))].reverse()) {
      const offset = (block[0] as Piece).offset;
      const last = block[block.length - 1] as Piece;
      const buffer = Buffer.allocUnsafeSlow(last.offset + last.length - offset);
      const length = await bytes.read(buffer, offset);
      for (const piece of block.reverse()) {
        const at = piece.offset - offset;
        yield { offset: piece.offset, data: buffer.subarray(at, Math.min(at + piece.length, length)) };
      }
    }
  }
}
