/** What of a log is read and sent together. */
import { LogStream } from '../../api/gen/joblet_pb.js';
import {
  type LogNote,
  type LogRecord,
  STREAM_STDERR,
  STREAM_STDOUT,
  type StreamNumber,
} from './log-index.ts';

/** The most bytes in one chunk, and the most that a reader holds. */
export const CHUNK_BYTES_MAXIMUM = 256 * 1024;
/** Index records that are looked at together: 32 KiB. */
export const RECORDS_AT_ONCE = 1024;
/** Reads of one stream that came so close together are sent as one chunk, with the time of the first. */
const MERGE_US = 1000n;

const STREAM_NUMBERS: Readonly<Record<LogStream, readonly StreamNumber[]>> = {
  [LogStream.UNSPECIFIED]: [STREAM_STDOUT, STREAM_STDERR],
  [LogStream.STDOUT]: [STREAM_STDOUT],
  [LogStream.STDERR]: [STREAM_STDERR],
};

export function streamNumbersOf(stream: LogStream): readonly StreamNumber[] {
  return STREAM_NUMBERS[stream];
}

/** A part of the log that is sent as one chunk. */
export interface Piece {
  readonly timeUs: bigint;
  readonly stream: StreamNumber;
  readonly offset: number;
  length: number;
  /** What the monitor has to say there; then it has no bytes. */
  readonly note?: LogNote;
}

/** What of the records lies between `from` and `to`, of the wanted streams, cut into the pieces that are sent. Notes tell of all streams. */
export function piecesOf(
  records: readonly LogRecord[],
  from: number,
  to: number,
  streams: readonly StreamNumber[],
): Piece[] {
  const pieces: Piece[] = [];
  for (const { timeUs, stream, offset, length, note } of records) {
    const end = Math.min(offset + length, to);
    if (note !== undefined && offset >= from && offset <= to) {
      pieces.push({ timeUs, stream, offset, length, note });
    }
    if (!streams.includes(stream)) {
      continue;
    }
    for (let at = Math.max(offset, from); at < end; ) {
      const size = Math.min(end - at, CHUNK_BYTES_MAXIMUM);
      const last = pieces.at(-1);
      if (last !== undefined && joins(last, timeUs, stream, at, size)) {
        last.length += size;
      } else {
        pieces.push({ timeUs, stream, offset: at, length: size });
      }
      at += size;
    }
  }
  return pieces;
}

function joins(last: Piece, timeUs: bigint, stream: StreamNumber, offset: number, size: number): boolean {
  return (
    last.note === undefined &&
    last.stream === stream &&
    last.offset + last.length === offset &&
    last.length + size <= CHUNK_BYTES_MAXIMUM &&
    timeUs - last.timeUs <= MERGE_US
  );
}

/** Pieces that are read from the file together. */
export function* blocksOf(pieces: readonly Piece[]): Generator<Piece[]> {
  let block: Piece[] = [];
  for (const piece of pieces) {
    const start = block[0]?.offset ?? piece.offset;
    if (piece.offset + piece.length - start > CHUNK_BYTES_MAXIMUM) {
      yield block;
      block = [];
    }
    block.push(piece);
  }
  if (block.length > 0) {
    yield block;
  }
}
