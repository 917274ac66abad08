/** The part of a log that is held: lines around what is on the screen, and no more of them than are needed to go on from there. */

import type { LogPiece } from '../../src-main/ipc/contract.ts';
import { beginningOf, type LogLine, LogText, linesOf, matchingLinesOf } from './log-lines.ts';

/** Of what is held. */
export const WINDOW_BYTES = 4 * 1024 * 1024;
export const WINDOW_LINES = 20_000;
/** Taken of what was read on one side of the screen: so few that what is seen is never given up for them. */
const LINES_AT_ONCE = 5000;

/** What was read of a log. */
export interface LogPart {
  readonly pieces: readonly LogPiece[];
  /** There is nothing beyond. */
  readonly isEdge: boolean;
}

export class LineWindow {
  readonly #isOfMatches: boolean;
  #lines: LogLine[] = [];
  #bytes = 0;
  /** Where it would begin if it has no lines. */
  readonly #origin: number;
  hasStart = false;
  hasEnd = false;

  /**
   * @param origin offset that it is to grow around
   * @param isOfMatches whether its lines are those that match: each of them is whole
   */
  constructor(origin: number, isOfMatches: boolean) {
    this.#origin = origin;
    this.#isOfMatches = isOfMatches;
  }

  get lines(): readonly LogLine[] {
    return this.#lines;
  }

  get start(): number {
    return this.#lines[0]?.offset ?? this.#origin;
  }

  get end(): number {
    return this.#lines.at(-1)?.end ?? this.#origin;
  }

  /** The line in which a byte lies, or the first after it; the last line when there is none. */
  indexOf(offset: number): number {
    const found = this.#lines.findIndex(({ end }) => end > offset);
    return found < 0 ? Math.max(0, this.#lines.length - 1) : found;
  }

  /**
   * What lies around an offset that may be in the middle of a line; the window has no lines yet.
   *
   * @param place null: the end of what was read
   */
  fill(before: LogPart, after: LogPart, place: number | null): void {
    const text = new LogText([...before.pieces, ...after.pieces]);
    const { at, isBegun } = beginningOf(text, before.isEdge);
    const lines = this.#isOfMatches
      ? matchingLinesOf(text)
      : linesOf(text, at, isBegun, after.isEdge ? 'open' : 'left out');
    const around = place === null ? -1 : lines.findIndex(({ end }) => end > place);
    const middle = around < 0 ? lines.length : around;
    const first = Math.max(0, middle - LINES_AT_ONCE);
    const kept = lines.slice(first, middle + LINES_AT_ONCE);
    this.hasStart = before.isEdge && first === 0;
    this.hasEnd = after.isEdge && first + kept.length === lines.length;
    this.#push(kept);
  }

  /**
   * What follows the last line. A line that has not ended goes on.
   *
   * @param most lines that are taken of it; what is more has to be read again
   * @returns how many lines have gone at the beginning
   */
  append({ pieces, isEdge }: LogPart, most = LINES_AT_ONCE): number {
    const lines = this.#linesAfter(pieces, isEdge);
    this.hasEnd = isEdge && lines.length <= most;
    this.#push(lines.length <= most ? lines : lines.slice(0, most));
    return this.#shortenStart();
  }

  /** @returns how many lines have come at the beginning */
  prepend({ pieces, isEdge }: LogPart): number {
    const text = new LogText(pieces);
    const { at, isBegun } = beginningOf(text, isEdge);
    const lines = this.#isOfMatches ? matchingLinesOf(text) : linesOf(text, at, isBegun, 'part');
    const taken = lines.slice(-LINES_AT_ONCE);
    this.hasStart = isEdge && taken.length === lines.length;
    this.#lines.unshift(...taken);
    this.#bytes += sizeOf(taken);
    this.#shortenEnd();
    return taken.length;
  }

  #linesAfter(pieces: readonly LogPiece[], isEdge: boolean): LogLine[] {
    if (this.#isOfMatches) {
      return matchingLinesOf(new LogText(pieces));
    }
    const last = this.#lines.at(-1);
    if (last?.isOpen) {
      this.#lines.pop();
      this.#bytes -= last.bytes.length;
      const stream = last.stream === 'stderr' ? 'stderr' : 'stdout';
      const text = new LogText([{ ...last, stream, data: last.bytes }, ...pieces]);
      return linesOf(text, 0, last.isBegun, 'open');
    }
    const isBegun = last === undefined || last.isEnded;
    return linesOf(new LogText(pieces), 0, isBegun, isEdge ? 'open' : 'left out');
  }

  #push(lines: readonly LogLine[]): void {
    for (const line of lines) {
      this.#lines.push(line);
    }
    this.#bytes += sizeOf(lines);
  }

  #shortenStart(): number {
    let gone = 0;
    let left = this.#bytes;
    while (
      gone < this.#lines.length - 1 &&
      (left > WINDOW_BYTES || this.#lines.length - gone > WINDOW_LINES)
    ) {
      left -= (this.#lines[gone] as LogLine).bytes.length;
      gone += 1;
    }
    if (gone > 0) {
      this.#lines.splice(0, gone);
      this.#bytes = left;
      this.hasStart = false;
    }
    return gone;
  }

  #shortenEnd(): void {
    while (this.#lines.length > 1 && (this.#bytes > WINDOW_BYTES || this.#lines.length > WINDOW_LINES)) {
      this.#bytes -= (this.#lines.pop() as LogLine).bytes.length;
      this.hasEnd = false;
    }
  }
}

function sizeOf(lines: readonly LogLine[]): number {
  return lines.reduce((sum, { bytes }) => sum + bytes.length, 0);
}
