/** Where a reader of a log begins and ends: by time, and by lines counted from the end. */
import type { StreamNumber } from './log-index.ts';
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
}

/** Bytes of the log of both streams. */
export interface LogRange {
  readonly start: number;
  readonly end: number;
}

/** Of what is in the log now. Reads the ends of lines only where they are counted, from the end of the log on. */
export async function rangeOf(
  { bytes, index }: OpenLog,
  { offset, sinceUs, untilUs, tailLines }: LogSelection,
  streams: readonly StreamNumber[],
  signal: AbortSignal,
): Promise<LogRange> {
  const count = await index.count();
  const size = await bytes.size();
  const offsetOfTime = async (timeUs: bigint): Promise<number> => {
    const [record] = await index.read(await index.findTime(timeUs, count), 1);
    return Math.min(size, record?.offset ?? size);
  };
  const end = untilUs === 0n ? size : await offsetOfTime(untilUs);
  const from = Math.max(offset, sinceUs === 0n ? 0 : await offsetOfTime(sinceUs));
  if (tailLines === undefined) {
    return { start: from, end };
  }
  const kept = { start: Math.max(from, bytes.dropped), end };
  return { start: await startOfLastLines({ bytes, index }, kept, streams, tailLines, signal), end };
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

/** One block of memory is held at a time. */
async function* piecesFromEnd(
  { bytes, index }: Pick<OpenLog, 'bytes' | 'index'>,
  { start, end }: LogRange,
  streams: readonly StreamNumber[],
): AsyncGenerator<{ readonly offset: number; readonly data: Buffer }> {
  const count = await index.count();
  const first = start === 0 ? 0 : await index.find(start, count);
  let last = await index.find(Math.max(0, end - 1), count);
  while (last >= first) {
    const from = Math.max(first, last + 1 - RECORDS_AT_ONCE);
    const records = await index.read(from, last + 1 - from);
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
    last = from - 1;
  }
}
