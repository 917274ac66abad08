/** The lines that are held, and those of their rows that are on the screen. Nothing is read here, and nothing drawn. */
import type { LogPiece } from '../../src-main/ipc/contract.ts';
import { LineLayout, type VisibleRow } from './line-layout.ts';
import { LineWindow, type LogPart } from './line-window.ts';
import type { LogLine } from './log-lines.ts';
import { Viewport } from './viewport.ts';

/** Lines that are held beyond the screen on either side, where there are any. */
const LINES_AHEAD = 200;

export type Side = 'before' | 'after';

export class LogPage {
  readonly #layout = new LineLayout();
  readonly #viewport = new Viewport((line) => this.#rowsIn(line));
  #window = new LineWindow(0, false);

  get lines(): readonly LogLine[] {
    return this.#window.lines;
  }

  /** Rows that fit on the screen. */
  get height(): number {
    return this.#viewport.height;
  }

  get hasEnd(): boolean {
    return this.#window.hasEnd;
  }

  /** Offsets of what is held. */
  get start(): number {
    return this.#window.start;
  }

  get end(): number {
    return this.#window.end;
  }

  get rows(): readonly VisibleRow[] {
    const { lines } = this;
    return this.#viewport.visible(lines.length).map((place) => this.#layout.rowAt(lines, place));
  }

  setSize(columns: number, rows: number): void {
    this.#viewport.height = rows;
    this.#rewrap({ columns });
  }

  setWrapping(isWrapping: boolean): void {
    this.#rewrap({ isWrapping });
  }

  /** Forgets what was held for what was read around another place; its end is seen. */
  open(before: LogPart, after: LogPart, place: number | null, isOfMatches: boolean): void {
    this.#window = new LineWindow(before.pieces.at(-1)?.offset ?? 0, isOfMatches);
    this.#window.fill(before, after, place);
    this.toEnd();
  }

  /** What has come at the end, which is seen: however much, what was before it goes. */
  follow(piece: LogPiece): void {
    this.#window.append({ pieces: [piece], isEdge: true }, Number.POSITIVE_INFINITY);
    this.toEnd();
  }

  /** What is seen stays where it is. */
  extend(side: Side, part: LogPart): void {
    this.#viewport.shift(side === 'before' ? this.#window.prepend(part) : -this.#window.append(part));
  }

  /** More has come than is held. */
  loseEnd(): void {
    this.#window.hasEnd = false;
  }

  holds(offset: number): boolean {
    const { start, end, hasStart } = this.#window;
    return offset < end && (offset >= start || hasStart);
  }

  /** Puts the line in which a byte lies at the top, with so many rows before it; at the end the last row stands at the bottom. */
  look(offset: number, rowsBefore: number): void {
    const { hasEnd, lines } = this.#window;
    this.#viewport.top = { line: this.#window.indexOf(offset), row: 0 };
    this.#viewport.scroll(-rowsBefore, lines.length);
    if (hasEnd && this.#viewport.visible(lines.length).length < this.#viewport.height) {
      this.toEnd();
    }
  }

  /** @returns by how many rows it has moved */
  scroll(rows: number): number {
    return this.#viewport.scroll(rows, this.lines.length);
  }

  toEnd(): void {
    this.#viewport.toEnd(this.lines.length);
  }

  /** Whether the last row of the log is seen. */
  get isAtEnd(): boolean {
    const { hasEnd, lines } = this.#window;
    const last = this.#viewport.visible(lines.length).at(-1);
    const isLast =
      last === undefined || (last.line === lines.length - 1 && last.row === this.#rowsIn(last.line) - 1);
    return hasEnd && isLast;
  }

  /** Whether more of what lies there should be read. */
  wants(side: Side): boolean {
    const { hasStart, hasEnd, lines } = this.#window;
    const shown = this.#viewport.visible(lines.length);
    return side === 'before'
      ? !hasStart && (shown[0]?.line ?? 0) < LINES_AHEAD
      : !hasEnd && lines.length - (shown.at(-1)?.line ?? 0) < LINES_AHEAD;
  }

  #rowsIn(line: number): number {
    return this.#layout.rowsOf(this.lines, line).length;
  }

  #rewrap(change: Partial<Pick<LineLayout, 'columns' | 'isWrapping'>>): void {
    Object.assign(this.#layout, change);
    if (this.lines.length > 0) {
      this.#viewport.rewrap();
    }
  }
}
