/** The one window: our own page in a sandboxed renderer, from which nothing leads out. */
import { join } from 'node:path';
import { app, BrowserWindow, nativeTheme, type WebFrameMain } from 'electron';
import type { Report } from './log.ts';
import { Observable } from './observable.ts';
import { ORIGIN } from './session.ts';

/** A page that dies sooner than this after it was loaded would die again. */
const RELOAD_AFTER_MS = 10_000;
/** From Chromium's word that a page takes no input, which it gives after 30 s, to the end of that page, ms. */
const STUCK_MS = 10_000;

export interface WindowOptions {
  /** Where the bundles of main, preload and page lie. */
  readonly directory: string;
  readonly report: Report;
  /** Whether closing it only hides it. */
  readonly staysWhenClosed: () => boolean;
  readonly onHidden: () => void;
  /** What the page had asked for is of no use any more. */
  readonly onPageGone: () => void;
}

export class AppWindow {
  /** Whether a person can see it. */
  readonly isSeen = new Observable(false);
  readonly #window: BrowserWindow;
  readonly #options: WindowOptions;
  #loadedAt = 0;

  /** Call it after `ready`. */
  constructor(options: WindowOptions) {
    this.#options = options;
    this.#window = createWindow(options.directory);
    this.#window.once('ready-to-show', () => this.#window.show());
    this.#window.on('close', (event) => this.#onClose(event));
    this.#noticeWhetherSeen();
    this.#noticeLossOfPage();
    this.#noticeStuckPage();
  }

  get window(): BrowserWindow | undefined {
    return this.#window.isDestroyed() ? undefined : this.#window;
  }

  show(): void {
    if (this.#window.isMinimized()) {
      this.#window.restore();
    }
    this.#window.show();
    this.#window.focus();
  }

  /** Whether a frame is the main frame of this window and shows our page. */
  isOwnPage(frame: WebFrameMain | null): boolean {
    return (
      frame !== null &&
      this.window !== undefined &&
      frame === this.window.webContents.mainFrame &&
      frame.url.startsWith(`${ORIGIN}/`)
    );
  }

  /** It shows itself when there is something to see. */
  load(): void {
    this.#loadedAt = Date.now();
    void this.#window.loadURL(`${ORIGIN}/index.html`);
  }

  #onClose(event: Electron.Event): void {
    if (this.#options.staysWhenClosed()) {
      event.preventDefault();
      this.#window.hide();
      this.#options.onHidden();
    }
  }

  #noticeWhetherSeen(): void {
    const look = () => this.isSeen.set(this.#window.isVisible() && !this.#window.isMinimized());
    this.#window.on('show', look).on('hide', look).on('minimize', look).on('restore', look);
    this.#window.on('closed', () => this.isSeen.set(false));
  }

  /** Jobs, logs and settings are not in the page: a new one shows all of it again. */
  #noticeLossOfPage(): void {
    const { report, onPageGone } = this.#options;
    // One that has only started may be refused yet, and the page stay.
    this.#window.webContents.on('did-navigate', onPageGone);
    this.#window.webContents.on('render-process-gone', (_event, { reason, exitCode }) => {
      report('the page is gone', { reason, exitCode });
      onPageGone();
      if (reason !== 'clean-exit' && Date.now() - this.#loadedAt > RELOAD_AFTER_MS) {
        // Not from within the event: Electron itself would crash (42.0.0, SIGTRAP).
        setImmediate(() => this.load());
      }
    });
  }

  /** A search for a pattern that takes for ever, say: whoever waits has no way out of a page that hears nothing. */
  #noticeStuckPage(): void {
    let patience: NodeJS.Timeout | undefined;
    this.#window.on('responsive', () => clearTimeout(patience));
    this.#window.on('closed', () => clearTimeout(patience));
    this.#window.on('unresponsive', () => {
      clearTimeout(patience);
      patience = setTimeout(() => {
        this.#options.report('the page is stuck', { seconds: STUCK_MS / 1000 });
        this.#window.webContents.forcefullyCrashRenderer();
      }, STUCK_MS);
    });
  }
}

function createWindow(directory: string): BrowserWindow {
  const window = new BrowserWindow({
    width: 1280,
    height: 800,
    minWidth: 720,
    minHeight: 480,
    show: false,
    title: 'Joblet',
    autoHideMenuBar: true,
    backgroundColor: nativeTheme.shouldUseDarkColors ? '#16181d' : '#ffffff',
    webPreferences: {
      preload: join(directory, 'preload.cjs'),
      contextIsolation: true,
      sandbox: true,
      nodeIntegration: false,
      webviewTag: false,
      spellcheck: false,
      devTools: !app.isPackaged,
    },
  });
  window.removeMenu();
  return window;
}
