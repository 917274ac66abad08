/** xterm as a screen for a log: it shows, and nothing that it shows can act. Each line is noted with its time and stream. */
import { FitAddon } from '@xterm/addon-fit';
import { SearchAddon } from '@xterm/addon-search';
import { UnicodeGraphemesAddon } from '@xterm/addon-unicode-graphemes';
import { type IMarker, Terminal } from '@xterm/xterm';
import { type LineNote, LineNotes } from './line-notes.ts';
import { addressesIn } from './links.ts';
import { terminalColours } from './theme.ts';

/** Lines kept, about what the last 1 MB of a log has. A row costs 12 bytes a column. */
const SCROLLBACK = 20_000;
/** Characters parsed at once: 1 to 3 ms. Fewer than the rows kept, so that no mark is lost within one. */
const PIECE = 16_384;
/** Columns without wrapping; what is longer goes on in the next row. */
const UNWRAPPED_COLUMNS = 400;
const HIGHLIGHTS_MAXIMUM = 1000;

/** A row as it is seen; note is null for one that a line goes on in, and for lines of the view's own. */
export interface VisibleRow {
  readonly note: LineNote | null;
}

export interface LogScreenOptions {
  /** Asked for by a click; the address is one of the web. */
  readonly openAddress: (address: string) => void;
  /** Something of what is seen has changed. */
  readonly changed: () => void;
}

export class LogScreen implements Disposable {
  readonly #terminal: Terminal;
  readonly #fit = new FitAddon();
  readonly search = new SearchAddon({ highlightLimit: HIGHLIGHTS_MAXIMUM });
  readonly #notes = new LineNotes();
  #isWrapping = true;
  /** The row of the last line, and that line's number. */
  #bottom: IMarker | undefined;
  #bottomLine = 0;
  /** Nothing of the last line has come yet. */
  #isLineNew = true;

  constructor({ openAddress, changed }: LogScreenOptions) {
    this.#terminal = new Terminal({
      allowProposedApi: true,
      convertEol: true,
      cursorInactiveStyle: 'none',
      disableStdin: true,
      // Colours that nobody can read would hide text.
      minimumContrastRatio: 4.5,
      scrollback: SCROLLBACK,
      linkHandler: { activate: (_event, address) => openAddress(address) },
    });
    this.#terminal.loadAddon(this.#fit);
    this.#terminal.loadAddon(this.search);
    this.#terminal.loadAddon(new UnicodeGraphemesAddon());
    this.#terminal.registerLinkProvider({
      provideLinks: (row, tell) => tell(addressesIn(this.#terminal, row, openAddress)),
    });
    this.#terminal.onRender(changed);
    this.#terminal.onSelectionChange(changed);
  }

  [Symbol.dispose](): void {
    this.#terminal.dispose();
  }

  /** The element must be shown. */
  open(element: HTMLElement): void {
    this.#terminal.open(element);
    // Nothing is typed into a log; without it all keys are the page's own.
    if (this.#terminal.textarea !== undefined) {
      this.#terminal.textarea.disabled = true;
    }
  }

  /** Takes colours, font and size from the tokens of the page. */
  applyTheme(): void {
    const { theme, fontFamily, fontSize, minimumContrastRatio } = terminalColours();
    Object.assign(this.#terminal.options, { theme, fontFamily, fontSize, minimumContrastRatio });
    this.fit();
  }

  /** To the size of its element. */
  fit(): void {
    const size = this.#fit.proposeDimensions();
    if (size === undefined || !Number.isFinite(size.cols) || !Number.isFinite(size.rows)) {
      return;
    }
    const columns = this.#isWrapping ? size.cols : UNWRAPPED_COLUMNS;
    if (columns !== this.#terminal.cols || size.rows !== this.#terminal.rows) {
      const wasAtBottom = this.isAtBottom;
      this.#terminal.resize(columns, size.rows);
      this.#markBottom();
      if (wasAtBottom) {
        this.#terminal.scrollToBottom();
      }
    }
  }

  setWrapping(isWrapping: boolean): void {
    this.#isWrapping = isWrapping;
    this.fit();
  }

  /**
   * Resolves when it is parsed: what is written then finds nothing before it.
   *
   * @param signal aborted: no piece more is begun, so that the screen is soon free for something else
   */
  async write(text: string, note: LineNote | null, signal: AbortSignal): Promise<void> {
    for (let at = 0; at < text.length && !signal.aborted; at += PIECE) {
      const piece = text.slice(at, at + PIECE);
      this.#note(note);
      await new Promise<void>((resolve) => this.#terminal.write(piece, resolve));
      this.#markBottom();
      this.#isLineNew = piece.endsWith('\n');
    }
  }

  /** A line of the view's own, told apart from output by its look. */
  async writeRemark(text: string, signal: AbortSignal): Promise<void> {
    const before = this.#isLineNew ? '' : '\n';
    await this.write(`${before}\x1b[0;2;3m${text}\x1b[0m\n`, null, signal);
  }

  /** Only when nothing is being written: what the terminal was given it still parses. */
  clear(): void {
    this.#terminal.reset();
    this.#bottom = undefined;
    this.#bottomLine = 0;
    this.#isLineNew = true;
    this.#notes.set(0, null);
  }

  get isAtBottom(): boolean {
    const { baseY, viewportY } = this.#terminal.buffer.active;
    return viewportY >= baseY;
  }

  get rowsBelow(): number {
    const { baseY, viewportY } = this.#terminal.buffer.active;
    return baseY - viewportY;
  }

  get hasScrollback(): boolean {
    return this.#terminal.buffer.active.baseY > 0;
  }

  scrollToTop(): void {
    this.#terminal.scrollToTop();
  }

  scrollToBottom(): void {
    this.#terminal.scrollToBottom();
  }

  scrollPages(pages: number): void {
    this.#terminal.scrollPages(pages);
  }

  scrollLines(lines: number): void {
    this.#terminal.scrollLines(lines);
  }

  get selection(): string {
    return this.#terminal.getSelection();
  }

  selectAll(): void {
    this.#terminal.selectAll();
  }

  /** Height of a row, px; 0 before anything is shown. */
  get rowHeight(): number {
    // Of a row itself: the screen around it takes its new size only some time after the number of rows has changed.
    return this.#terminal.element?.querySelector('.xterm-rows > div')?.getBoundingClientRect().height ?? 0;
  }

  get visibleRows(): readonly VisibleRow[] {
    const buffer = this.#terminal.buffer.active;
    const last = Math.min(this.#bottomRow, buffer.viewportY + this.#terminal.rows - 1);
    let line = this.#bottomLine - this.#linesBetween(last, this.#bottomRow);
    const rows: VisibleRow[] = [];
    for (let row = last; row >= buffer.viewportY; row -= 1) {
      const isContinued = buffer.getLine(row)?.isWrapped ?? false;
      rows.push({ note: isContinued ? null : this.#notes.of(line) });
      line -= isContinued ? 0 : 1;
    }
    return rows.reverse();
  }

  /** The line that goes on, and the lines that begin with what is written next. */
  #note(note: LineNote | null): void {
    if (this.#isLineNew) {
      this.#notes.set(this.#bottomLine, note);
      return;
    }
    const begun = this.#notes.of(this.#bottomLine);
    if (begun !== null && note !== null && begun.stream !== note.stream) {
      this.#notes.set(this.#bottomLine, { timeUs: begun.timeUs, stream: 'both' });
    }
    this.#notes.set(this.#bottomLine + 1, note);
  }

  get #bottomRow(): number {
    return this.#bottom?.line ?? 0;
  }

  /** xterm moves a marker along with its row; the cursor may have gone back up, and then the last line stays where it was. */
  #markBottom(): void {
    const { baseY, cursorY } = this.#terminal.buffer.active;
    const cursorRow = baseY + cursorY;
    const isKnown = this.#bottom !== undefined && !this.#bottom.isDisposed;
    if (isKnown && cursorRow < this.#bottomRow) {
      return;
    }
    this.#bottomLine += this.#linesBetween(this.#bottomRow, cursorRow);
    this.#bottom?.dispose();
    this.#bottom = this.#terminal.registerMarker(0);
    this.#notes.forgetBefore(this.#bottomLine - SCROLLBACK);
  }

  /** Lines that begin after one row and up to another. */
  #linesBetween(after: number, upTo: number): number {
    const buffer = this.#terminal.buffer.active;
    let lines = 0;
    for (let row = after + 1; row <= upTo; row += 1) {
      lines += buffer.getLine(row)?.isWrapped ? 0 : 1;
    }
    return lines;
  }
}
