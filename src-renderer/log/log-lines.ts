/**
 * From bytes of a log to lines. One that is long is cut where the offset is a multiple of 16 KiB: so the cuts are the same from
 * wherever it is read, and no line, however long, must be read whole.
 */
import type { LogPiece } from '../../src-main/ipc/contract.ts';

export const SEGMENT_BYTES = 16 * 1024;
const NEWLINE = 0x0a;

/** A line, or a part of one that is long. */
export interface LogLine {
  /** Of its first byte, in the log of both streams. */
  readonly offset: number;
  /** Of the byte after its last. */
  readonly end: number;
  /** When its first byte came, µs since the epoch. */
  readonly timeUs: number;
  /** Both: one has broken up a line of the other. */
  readonly stream: 'stdout' | 'stderr' | 'both';
  /** Without the line break. */
  readonly bytes: Uint8Array;
  /** Whether the line begins here. */
  readonly isBegun: boolean;
  /** Whether a line break ends it. */
  readonly isEnded: boolean;
  /** Whether more of it may be written yet. */
  readonly isOpen: boolean;
}

/** Pieces of a log, one after the other, as one run of bytes. */
export class LogText {
  readonly bytes: Uint8Array;
  readonly #pieces: readonly LogPiece[];
  /** Of each piece's first byte in `bytes`. */
  readonly #starts: readonly number[];

  constructor(pieces: readonly LogPiece[]) {
    this.#pieces = pieces;
    let length = 0;
    this.#starts = pieces.map(({ data }) => {
      length += data.length;
      return length - data.length;
    });
    this.bytes = new Uint8Array(length);
    for (const [number, { data }] of pieces.entries()) {
      this.bytes.set(data, this.#starts[number]);
    }
  }

  /** Where the byte at `index` lies in the log. */
  offsetOf(index: number): number {
    const number = this.#pieceOf(index);
    return (this.#pieces[number]?.offset ?? 0) + index - (this.#starts[number] ?? 0);
  }

  /** The first byte at that offset or later; the number of all bytes when there is none. */
  indexOf(offset: number): number {
    const number = this.#pieces.findIndex((piece) => piece.offset + piece.data.length > offset);
    const piece = this.#pieces[number];
    return piece === undefined
      ? this.bytes.length
      : (this.#starts[number] ?? 0) + Math.max(0, offset - piece.offset);
  }

  line(from: number, to: number, isBegun: boolean, isEnded: boolean, isOpen = false): LogLine {
    const [first, last] = [this.#pieceOf(from), this.#pieceOf(to - 1)];
    const { timeUs = 0, stream = 'stdout' } = this.#pieces[first] ?? {};
    const isMixed = this.#pieces.slice(first + 1, last + 1).some((piece) => piece.stream !== stream);
    return {
      offset: this.offsetOf(from),
      end: this.offsetOf(to - 1) + 1,
      timeUs,
      stream: isMixed ? 'both' : stream,
      bytes: this.bytes.subarray(from, isEnded ? to - 1 : to),
      isBegun,
      isEnded,
      isOpen,
    };
  }

  /** Asked in rising order mostly, of pieces that are many. */
  #pieceOf(index: number): number {
    let [low, high] = [0, this.#starts.length];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((this.#starts[middle] as number) <= index) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return low;
  }
}

/**
 * The lines from a known beginning on.
 *
 * @param from index of a byte that begins a line, or a part of one
 * @param rest what becomes of what is no whole line or part at the end: it is left out, is one that may go on, or is known to be one
 */
export function linesOf(
  text: LogText,
  from: number,
  isBegun: boolean,
  rest: 'left out' | 'open' | 'part',
): LogLine[] {
  const { bytes } = text;
  const lines: LogLine[] = [];
  let [at, isLineStart] = [from, isBegun];
  while (at < bytes.length) {
    const newline = bytes.indexOf(NEWLINE, at);
    const isWhole = newline >= 0 && newline < at + SEGMENT_BYTES;
    if (!isWhole && bytes.length - at < SEGMENT_BYTES) {
      break;
    }
    const end = isWhole ? newline + 1 : nextCut(text, at);
    lines.push(text.line(at, end, isLineStart, isWhole));
    [at, isLineStart] = [end, isWhole];
  }
  if (rest !== 'left out' && at < bytes.length) {
    lines.push(text.line(at, bytes.length, isLineStart, false, rest === 'open'));
  }
  return lines;
}

function nextCut(text: LogText, at: number): number {
  const offset = text.offsetOf(at);
  return text.indexOf((Math.floor(offset / SEGMENT_BYTES) + 1) * SEGMENT_BYTES);
}

/** Lines of which each is whole, or has lost what is beyond the bound of a search. */
export function matchingLinesOf(text: LogText): LogLine[] {
  const lines: LogLine[] = [];
  for (let at = 0; at < text.bytes.length; ) {
    const newline = text.bytes.indexOf(NEWLINE, at);
    const end = newline < 0 ? text.bytes.length : newline + 1;
    lines.push(text.line(at, end, true, newline >= 0));
    at = end;
  }
  return lines;
}

/** Where in a text that begins anywhere the first line, or the first part of one, begins. */
export function beginningOf(text: LogText, isLogStart: boolean): { at: number; isBegun: boolean } {
  if (isLogStart || text.bytes.length === 0) {
    return { at: 0, isBegun: isLogStart };
  }
  const newline = text.bytes.indexOf(NEWLINE);
  const head = newline < 0 ? text.bytes.length : newline + 1;
  if (head > SEGMENT_BYTES) {
    const cut = Math.ceil(text.offsetOf(0) / SEGMENT_BYTES) * SEGMENT_BYTES;
    return { at: text.indexOf(cut), isBegun: false };
  }
  return newline < 0 ? { at: 0, isBegun: false } : { at: head, isBegun: true };
}
