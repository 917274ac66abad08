/** What of a log is on the screen: a window of its lines that follows where a person looks, or the end as it grows. */
import type { Failure, LogNote, LogPiece } from '../../src-main/ipc/contract.ts';
import { RequestFailed, stream } from '../ipc/client.ts';
import type { VisibleRow } from './line-layout.ts';
import type { LogPart } from './line-window.ts';
import { LogPage, type Side } from './log-page.ts';
import type { Selection } from './log-selection.ts';
import { AllLines, type Filter, type LogSource } from './log-source.ts';
import { COPIED_BYTES_MAXIMUM, selectedText } from './selected-text.ts';

/** Between two looks at a list of matches that grows: each reads it anew, which the search has to wait for. */
const REFRESH_MS = 1000;
/** Of those that were read last. */
const NOTES_MAXIMUM = 1000;
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
  /** What there is to say of places of the log that were read. */
  #notes = $state.raw<readonly LogNote[]>([]);
  filter = $state<Filter>('both');
  isWrapping = $state(true);
  readonly #uuid: string;
  readonly #page = new LogPage();
  #source: LogSource;
  /** Ends what is read for a place that is not looked at any more. */
  #leaving = new AbortController();
  #closing = new AbortController();
  /** Of the byte after the last that the live stream has brought. */
  #liveEnd = 0;
  #isPaused = false;
  /** Reads around another place than what is held. */
  #isOpening = false;
  /** Offset that was last asked for. */
  #place = 0;
  #frame = 0;
  #readings = 0;
  #refreshedAt = 0;
  /** What is being read beyond what is held. */
  readonly #reading: Record<Side, boolean> = { before: false, after: false };

  constructor(uuid: string) {
    this.#uuid = uuid;
    this.#source = this.#allLines();
  }

  get isOfMatches(): boolean {
    return this.#source.isOfMatches;
  }

  /** Offsets of what is on the screen. */
  get span(): { readonly start: number; readonly end: number } {
    const [first, last] = [this.rows[0], this.rows.at(-1)];
    return { start: first?.line.offset ?? 0, end: last?.line.end ?? 0 };
  }

  /** What there is to say of what is on the screen. */
  get note(): string | undefined {
    const { start, end } = this.span;
    const isSeen = ({ offset }: LogNote) => this.rows.length === 0 || (offset >= start && offset <= end);
    return this.#notes.findLast(isSeen)?.text;
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
    this.#page.setSize(columns, rows);
    this.draw();
  }

  setWrapping(isWrapping: boolean): void {
    this.isWrapping = isWrapping;
    this.#page.setWrapping(isWrapping);
    this.draw();
  }

  scroll(rows: number): void {
    const moved = this.#page.scroll(rows);
    if (moved < 0) {
      this.#stopFollowing();
    } else if (!this.#isPaused && this.#page.isAtEnd) {
      this.isFollowing = true;
    }
    this.draw();
  }

  scrollPages(pages: number): void {
    this.scroll(pages * Math.max(1, this.#page.height - 2));
  }

  /** Puts the line in which a byte lies at the top, with so many rows before it. */
  async goTo(offset: number, rowsBefore = 0): Promise<void> {
    this.#stopFollowing();
    this.#place = offset;
    if (this.#page.holds(offset)) {
      this.#page.look(offset, rowsBefore);
      this.#drawNow();
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
      await this.goTo(offset, Math.floor(this.#page.height / 3));
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
    this.isFollowing = true;
    if (this.#page.hasEnd) {
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
    if (this.isFollowing || this.#page.lines.length === 0 || searchedBytes < this.#page.end) {
      void this.#open(this.isFollowing ? null : this.#place);
    } else {
      this.#page.loseEnd();
      this.#readAhead();
    }
  }

  /** Soon: several changes before the next frame are drawn together. */
  draw(): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => this.#drawNow());
  }

  #drawNow(): void {
    if (this.isFollowing) {
      this.#page.toEnd();
      this.seenBytes = this.logBytes;
    }
    this.rows = this.#page.rows;
    this.#readAhead();
  }

  #stopFollowing(): void {
    if (this.isFollowing) {
      this.isFollowing = false;
      this.seenBytes = this.logBytes;
    }
  }

  #allLines(): LogSource {
    return new AllLines({ uuid: this.#uuid, stream: this.filter }, (bytes, notes) => {
      this.#learnBytes(bytes);
      this.#learnNotes(notes);
    });
  }

  #learnNotes(notes: readonly LogNote[]): void {
    const isNew = ({ offset, text }: LogNote) =>
      !this.#notes.some((known) => known.offset === offset && known.text === text);
    const fresh = notes.filter(isNew);
    if (fresh.length > 0) {
      this.#notes = [...this.#notes, ...fresh].slice(-NOTES_MAXIMUM);
    }
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
    this.#isOpening = true;
    await this.#read(signal, async () => {
      const [before, after] = await Promise.all([
        source.before(offset, signal),
        offset === null ? NOTHING : source.after(offset, signal),
      ]);
      signal.throwIfAborted();
      this.failure = undefined;
      this.#page.open(before, after, offset, source.isOfMatches);
      this.#judgeEnd();
      if (offset !== null) {
        this.#page.look(offset, rowsBefore);
      }
      this.#drawNow();
    });
    if (!signal.aborted) {
      this.#isOpening = false;
    }
  }

  /** The live stream may have brought what a reading that began earlier does not have. */
  #judgeEnd(): void {
    if (!this.isOfMatches && this.#page.end < this.#liveEnd) {
      this.#page.loseEnd();
    }
  }

  /** Who follows and has fallen behind goes to the end, and not through all that has come since. */
  #readAhead(): void {
    if (this.isFollowing && !this.#page.hasEnd) {
      if (!this.#isOpening) {
        void this.#open(null);
      }
      return;
    }
    for (const side of ['before', 'after'] as const) {
      if (this.#page.wants(side) && !this.#reading[side]) {
        void this.#extend(side);
      }
    }
  }

  async #extend(side: Side): Promise<void> {
    this.#reading[side] = true;
    const { signal } = this.#leaving;
    await this.#read(signal, async () => {
      const edge = side === 'before' ? this.#page.start : this.#page.end;
      const part = await this.#source[side](edge, signal);
      signal.throwIfAborted();
      this.#page.extend(side, part);
      this.#judgeEnd();
    });
    if (!signal.aborted) {
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
      from: { offset: this.#page.end },
    };
    try {
      for await (const item of stream('log', asked, signal)) {
        if (item.kind === 'data') {
          this.#learnBytes(item.logBytes);
          this.#take(item);
        } else if (item.kind === 'skipped') {
          this.#page.loseEnd();
        } else if (item.kind === 'note') {
          this.#learnNotes([item]);
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
    const known = this.#page.end - piece.offset;
    this.#liveEnd = piece.offset + piece.data.length;
    if (this.isOfMatches || known >= piece.data.length) {
      return;
    }
    if (known < 0 && this.filter === 'both') {
      this.#page.loseEnd();
    }
    if (!this.isFollowing) {
      this.#page.loseEnd();
    } else if (this.#page.hasEnd) {
      const data = piece.data.subarray(Math.max(0, known));
      const offset = piece.offset + piece.data.length - data.length;
      this.#page.follow({ ...piece, offset, data });
      this.draw();
    } else {
      this.#readAhead();
    }
  }
}
