/** What of a log is on the screen: a window of its lines that follows where a person looks, or the end as it grows. */
import type { Failure, LogPiece } from '../../src-main/ipc/contract.ts';
import { RequestFailed, stream } from '../ipc/client.ts';
import { LineLayout, type VisibleRow } from './line-layout.ts';
import { LineWindow, type LogPart } from './line-window.ts';
import type { LogLine } from './log-lines.ts';
import type { Selection } from './log-selection.ts';
import { AllLines, type Filter, type LogSource } from './log-source.ts';
import { COPIED_BYTES_MAXIMUM, selectedText } from './selected-text.ts';
import { Viewport } from './viewport.ts';

/** Lines that are read ahead on either side of the screen. */
const LINES_AHEAD = 200;
/** Between two looks at a list of matches that grows: each reads it anew, which the search has to wait for. */
const REFRESH_MS = 1000;
const NOTHING: LogPart = { pieces: [], isEdge: true };

export class LogView {
  rows = $state.raw<readonly VisibleRow[]>([]);
  /** Of both streams, as far as is known. */
  logBytes = $state(0);
  isFollowing = $state(true);
  /** How long the log was when it was last followed. */
  seenBytes = $state(0);
  isReading = $state(true);
  /** All that the job has written is known: it has ended. */
  isEnded = $state(false);
  /** The helper is away; the log goes on where it was. */
  isInterrupted = $state(false);
  wasInterrupted = $state(false);
  failure = $state.raw<Failure | undefined>(undefined);
  filter = $state<Filter>('both');
  isWrapping = $state(true);
  readonly #uuid: string;
  readonly #layout = new LineLayout();
  readonly #viewport = new Viewport((line) => this.#rowsIn(line));
  #source: LogSource;
  #window = new LineWindow(0, false);
  /** Ends what is read for a place that is not looked at any more. */
  #leaving = new AbortController();
  #closing = new AbortController();
  /** Of the byte after the last that the live stream has brought. */
  #liveEnd = 0;
  #isPaused = false;
  /** Offset that was last asked for. */
  #place = 0;
  #frame = 0;
  #readings = 0;
  #refreshedAt = 0;
  readonly #reading = { before: false, after: false };

  constructor(uuid: string) {
    this.#uuid = uuid;
    this.#source = this.#allLines();
  }

  get isOfMatches(): boolean {
    return this.#source.isOfMatches;
  }

  get lines(): readonly LogLine[] {
    return this.#window.lines;
  }

  /** Offsets of what is on the screen. */
  get span(): { readonly start: number; readonly end: number } {
    const [first, last] = [this.rows[0], this.rows.at(-1)];
    return { start: first?.line.offset ?? 0, end: last?.line.end ?? 0 };
  }

  open(): void {
    void this.#followLog(this.#closing.signal);
  }

  close(): void {
    this.#closing.abort();
    this.#leaving.abort();
    cancelAnimationFrame(this.#frame);
  }

  setFilter(filter: Filter): void {
    this.close();
    this.#closing = new AbortController();
    Object.assign(this, { filter, isEnded: false, failure: undefined, isFollowing: true, rows: [] });
    this.#isPaused = false;
    this.#liveEnd = 0;
    this.#source = this.#allLines();
    this.open();
  }

  /** Shows other lines of the same log, around the place that is seen now, or at the end. */
  setSource(source: LogSource = this.#allLines()): void {
    const place = this.isFollowing ? null : this.span.start;
    this.#source = source;
    this.#place = place ?? 0;
    void this.#open(place);
  }

  setSize(columns: number, rows: number): void {
    const isOther = columns !== this.#layout.columns;
    this.#layout.columns = columns;
    this.#viewport.height = rows;
    if (isOther && this.lines.length > 0) {
      this.#viewport.rewrap();
    }
    this.draw();
  }

  setWrapping(isWrapping: boolean): void {
    this.isWrapping = isWrapping;
    this.#layout.isWrapping = isWrapping;
    if (this.lines.length > 0) {
      this.#viewport.rewrap();
    }
    this.draw();
  }

  scroll(rows: number): void {
    const moved = this.#viewport.scroll(rows, this.lines.length);
    if (moved < 0) {
      this.#stopFollowing();
    } else if (!this.#isPaused && this.#isAtEnd) {
      this.#startFollowing();
    }
    this.draw();
  }

  scrollPages(pages: number): void {
    this.scroll(pages * Math.max(1, this.#viewport.height - 2));
  }

  /** Puts the line in which a byte lies at the top, with so many rows before it. */
  async goTo(offset: number, rowsBefore = 0): Promise<void> {
    this.#stopFollowing();
    this.#place = offset;
    const { start, end, hasStart } = this.#window;
    if (offset < end && (offset >= start || hasStart)) {
      this.#look(offset, rowsBefore);
    } else {
      await this.#open(offset, rowsBefore);
    }
  }

  /** Brings the line in which a byte lies onto the screen, if it is not there. */
  async show(offset: number): Promise<void> {
    const { start, end } = this.span;
    if (offset >= start && offset < end) {
      this.#stopFollowing();
    } else {
      await this.goTo(offset, Math.floor(this.#viewport.height / 3));
    }
  }

  /** What is selected, unless it is too much. */
  async copy(selection: Selection): Promise<{ readonly text: string } | 'too much'> {
    const { from, to } = selection;
    const bytes = Math.min(to.offset, this.logBytes) - from.offset;
    const isTooMuch = !this.isOfMatches && this.filter === 'both' && bytes > COPIED_BYTES_MAXIMUM;
    const text = isTooMuch ? undefined : await selectedText(this.#source, selection, this.#closing.signal);
    return text === undefined ? 'too much' : { text };
  }

  toEnd(): void {
    this.#isPaused = false;
    this.#startFollowing();
    if (this.#window.hasEnd) {
      this.draw();
    } else {
      void this.#open(null);
    }
  }

  /** What comes is shown no more, until the end is asked for. */
  pause(): void {
    this.#isPaused = true;
    this.#stopFollowing();
  }

  /**
   * More lines that match are known.
   *
   * @param searchedBytes how far it was searched before
   */
  refresh(searchedBytes: number, isOver: boolean): void {
    const isSoon = performance.now() < this.#refreshedAt + REFRESH_MS;
    if (!this.isOfMatches || (!isOver && (this.isReading || isSoon))) {
      return;
    }
    this.#refreshedAt = performance.now();
    if (this.isFollowing || this.lines.length === 0 || searchedBytes < this.#window.end) {
      void this.#open(this.isFollowing ? null : this.#place);
    } else {
      this.#window.hasEnd = false;
      this.#readAhead();
    }
  }

  /** Soon: several changes before the next frame are drawn together. */
  draw(): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => this.#drawNow());
  }

  #drawNow(): void {
    const { lines } = this;
    if (this.isFollowing) {
      this.#viewport.toEnd(lines.length);
      this.seenBytes = this.logBytes;
    }
    this.rows = this.#viewport.visible(lines.length).map((place) => this.#layout.rowAt(lines, place));
    this.#readAhead();
  }

  get #isAtEnd(): boolean {
    const { hasEnd, lines } = this.#window;
    const last = this.#viewport.visible(lines.length).at(-1);
    const isLastLine = last === undefined || last.line === lines.length - 1;
    return hasEnd && isLastLine && (last === undefined || last.row === this.#rowsIn(last.line) - 1);
  }

  #rowsIn(line: number): number {
    return this.#layout.rowsOf(this.lines, line).length;
  }

  #startFollowing(): void {
    this.isFollowing = true;
  }

  #stopFollowing(): void {
    if (this.isFollowing) {
      this.isFollowing = false;
      this.seenBytes = this.logBytes;
    }
  }

  #allLines(): LogSource {
    return new AllLines({ uuid: this.#uuid, stream: this.filter }, (bytes) => this.#learnBytes(bytes));
  }

  #learnBytes(logBytes: number): void {
    this.logBytes = Math.max(this.logBytes, logBytes);
  }

  /** Reads around an offset, or at the end. What was shown stays until there is something else. */
  async #open(offset: number | null, rowsBefore = 0): Promise<void> {
    this.#leaving.abort();
    this.#leaving = new AbortController();
    Object.assign(this.#reading, { before: false, after: false });
    const { signal } = this.#leaving;
    const source = this.#source;
    await this.#read(signal, async () => {
      const [before, after] = await Promise.all([
        source.before(offset, signal),
        offset === null ? NOTHING : source.after(offset, signal),
      ]);
      signal.throwIfAborted();
      this.#fill(before, after);
      if (offset !== null) {
        this.#look(offset, rowsBefore);
      }
    });
  }

  #fill(before: LogPart, after: LogPart): void {
    this.#window = new LineWindow(before.pieces.at(-1)?.offset ?? 0, this.#source.isOfMatches);
    this.#window.fill(before, after);
    this.#viewport.toEnd(this.lines.length);
    this.#judgeEnd();
  }

  #look(offset: number, rowsBefore: number): void {
    const { hasEnd, lines } = this.#window;
    this.#viewport.top = { line: this.#window.indexOf(offset), row: 0 };
    this.#viewport.scroll(-rowsBefore, lines.length);
    // At the end of the log the last row stands at the bottom and no higher.
    if (hasEnd && this.#viewport.visible(lines.length).length < this.#viewport.height) {
      this.#viewport.toEnd(lines.length);
    }
    this.#drawNow();
  }

  /** The live stream may have brought what a reading that began earlier does not have. */
  #judgeEnd(): void {
    if (!this.isOfMatches && this.#window.end < this.#liveEnd) {
      this.#window.hasEnd = false;
    }
  }

  #readAhead(): void {
    const { lines } = this;
    const shown = this.#viewport.visible(lines.length);
    if (!this.#window.hasStart && (shown[0]?.line ?? 0) < LINES_AHEAD) {
      void this.#extend('before');
    }
    if (!this.#window.hasEnd && lines.length - (shown.at(-1)?.line ?? 0) < LINES_AHEAD) {
      void this.#extend('after');
    }
  }

  async #extend(side: 'before' | 'after'): Promise<void> {
    if (this.#reading[side]) {
      return;
    }
    this.#reading[side] = true;
    const { signal } = this.#leaving;
    const window = this.#window;
    await this.#read(signal, async () => {
      const part = await this.#source[side](side === 'before' ? window.start : window.end, signal);
      if (signal.aborted || window !== this.#window) {
        return;
      }
      if (side === 'before') {
        this.#viewport.shift(window.prepend(part));
      } else {
        this.#viewport.shift(-window.append(part));
        this.#judgeEnd();
      }
    });
    if (window === this.#window) {
      this.#reading[side] = false;
    }
  }

  async #read(signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    this.#readings += 1;
    this.isReading = true;
    try {
      await work();
      this.draw();
    } catch (error) {
      this.#fail(error, signal);
    } finally {
      this.#readings -= 1;
      this.isReading = this.#readings > 0;
    }
  }

  #fail(error: unknown, signal: AbortSignal): void {
    if (!signal.aborted) {
      if (!(error instanceof RequestFailed)) {
        throw error;
      }
      this.failure = error.failure;
    }
  }

  async #followLog(signal: AbortSignal): Promise<void> {
    await this.#open(null);
    const asked = {
      uuid: this.#uuid,
      stream: this.filter,
      maySkip: true,
      from: { offset: this.#window.end },
    };
    try {
      for await (const item of stream('log', asked, signal)) {
        if (item.kind === 'data') {
          this.#learnBytes(item.logBytes);
          this.#take(item);
        } else if (item.kind === 'skipped') {
          this.#window.hasEnd = false;
        } else {
          this.isInterrupted = item.kind === 'interrupted';
          this.wasInterrupted = true;
        }
      }
      this.isEnded = !signal.aborted;
    } catch (error) {
      this.#fail(error, signal);
    }
  }

  /** Shows what has come, if the end is looked at. */
  #take(piece: LogPiece): void {
    const known = this.#window.end - piece.offset;
    this.#liveEnd = piece.offset + piece.data.length;
    if (this.isOfMatches || known >= piece.data.length) {
      return;
    }
    if (known < 0 && this.filter === 'both') {
      this.#window.hasEnd = false;
    }
    if (!this.isFollowing) {
      this.#window.hasEnd = false;
    } else if (this.#window.hasEnd) {
      const data = piece.data.subarray(Math.max(0, known));
      const offset = piece.offset + piece.data.length - data.length;
      this.#window.append({ pieces: [{ ...piece, offset, data }], isEdge: true });
      this.draw();
    } else if (!this.isReading) {
      void this.#open(null);
    }
  }
}
