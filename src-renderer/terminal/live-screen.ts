/** xterm as a terminal that is typed into. What it shows may ask it things, which it answers to who asked; the past gets no answers. */
import { FitAddon } from '@xterm/addon-fit';
import { UnicodeGraphemesAddon } from '@xterm/addon-unicode-graphemes';
import { Terminal } from '@xterm/xterm';
import { terminalColours } from './theme.ts';

const SCROLLBACK = 5000;
/** Ends a sequence that was cut off. */
const CANCEL = '\x18';

export interface LiveScreenOptions {
  readonly typed: (data: string) => void;
  readonly resized: (size: { columns: number; rows: number }) => void;
  readonly openAddress: (address: string) => void;
  /** Whether a key is the app's even here. */
  readonly isOfApp: (event: KeyboardEvent) => boolean;
  readonly focused: (isFocused: boolean) => void;
}

export class LiveScreen implements Disposable {
  readonly #terminal: Terminal;
  readonly #fit = new FitAddon();
  readonly #options: LiveScreenOptions;
  #isInPast = false;

  constructor(options: LiveScreenOptions) {
    this.#options = options;
    this.#terminal = new Terminal({
      allowProposedApi: true,
      scrollback: SCROLLBACK,
      linkHandler: { activate: (_event, address) => options.openAddress(address) },
    });
    this.#terminal.loadAddon(this.#fit);
    this.#terminal.loadAddon(new UnicodeGraphemesAddon());
    this.#terminal.attachCustomKeyEventHandler((event) => !options.isOfApp(event));
    this.#terminal.onData((data) => {
      if (!this.#isInPast) {
        options.typed(data);
      }
    });
    this.#terminal.onResize(({ cols, rows }) => options.resized({ columns: cols, rows }));
  }

  [Symbol.dispose](): void {
    this.#terminal.dispose();
  }

  open(element: HTMLElement): void {
    this.#terminal.open(element);
    this.#terminal.textarea?.addEventListener('focus', () => this.#options.focused(true));
    this.#terminal.textarea?.addEventListener('blur', () => this.#options.focused(false));
    this.applyTheme();
  }

  get size() {
    return { columns: this.#terminal.cols, rows: this.#terminal.rows };
  }

  get selection(): string {
    return this.#terminal.getSelection();
  }

  applyTheme(): void {
    const { theme, ...others } = terminalColours();
    const { foreground, background } = theme;
    Object.assign(this.#terminal.options, others, {
      theme: { ...theme, cursor: foreground, cursorAccent: background },
    });
    this.fit();
  }

  /** To the size of its element, while that is shown. */
  fit(): void {
    if ((this.#terminal.element?.offsetHeight ?? 0) > 0) {
      this.#fit.fit();
    }
  }

  /** Resolves when it is parsed: who waits for it writes no faster than is drawn. */
  write(data: Uint8Array, isPast: boolean): Promise<void> {
    this.#isInPast = isPast;
    return new Promise((resolve) => {
      this.#terminal.write(data, () => {
        this.#isInPast = false;
        resolve();
      });
    });
  }

  /** A line of the view's own. */
  say(line: string): void {
    this.#terminal.write(`${CANCEL}\r\n\x1b[0;2m${line}\x1b[0m\r\n`);
  }

  focus(): void {
    this.#terminal.focus();
  }

  blur(): void {
    this.#terminal.blur();
  }

  /** Nothing is typed any more. */
  end(): void {
    this.#terminal.options.disableStdin = true;
    this.#terminal.blur();
  }
}
