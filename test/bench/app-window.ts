/** Electron as a benchmark starts it: on a display of its own, with a port through which its page is asked afterwards. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { type Browser, chromium, type Page } from 'playwright-core';
import { findElectron } from '../../src-main/setup/bootstrap/electron.mjs';

const PATIENCE_MS = 60_000;

/** @throws Error when there is none yet. */
export function electronExecutable(): string {
  const electron = findElectron();
  if (electron === undefined) {
    throw new Error('there is no Electron yet: `npm test` or `npm start` gets it');
  }
  return electron.executable;
}

/** Xvfb, on a display whose number it finds free itself. */
export class Display implements AsyncDisposable {
  readonly name: string;
  readonly #server: ChildProcess;

  private constructor(server: ChildProcess, name: string) {
    this.#server = server;
    this.name = name;
  }

  static async start(): Promise<Display> {
    const argv = ['-displayfd', '3', '-screen', '0', '1920x1080x24', '-nolisten', 'tcp'];
    const server = spawn('Xvfb', argv, { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
    const lines = createInterface({ input: server.stdio[3] as NodeJS.ReadableStream });
    const [number] = await once(lines, 'line');
    return new Display(server, `:${number}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#server, 'exit');
    this.#server.kill();
    await ended;
  }
}

export class AppWindow implements AsyncDisposable {
  /** When the process was started: milliseconds since the epoch. */
  readonly startedAt: number;
  readonly pid: number;
  readonly page: Page;
  readonly #child: ChildProcess;
  readonly #browser: Browser;
  readonly #folder: string;

  private constructor(child: ChildProcess, browser: Browser, page: Page, startedAt: number, folder: string) {
    this.#child = child;
    this.#browser = browser;
    this.page = page;
    this.startedAt = startedAt;
    this.pid = child.pid ?? -1;
    this.#folder = folder;
  }

  /** @param argv what Electron runs, and flags for it */
  static async start(display: Display, argv: readonly string[]): Promise<AppWindow> {
    const folder = mkdtempSync(join(tmpdir(), 'joblet-app-'));
    const startedAt = Date.now();
    // Benchmarks run as root, for whom Chromium has no sandbox; both sides of a comparison do without it.
    const flags = ['--no-sandbox', '--remote-debugging-port=0', `--user-data-dir=${folder}`];
    const child = spawn(electronExecutable(), [...argv, ...flags], {
      stdio: 'ignore',
      env: { ...process.env, DISPLAY: display.name },
    });
    const port = await debuggingPort(folder);
    const browser = await chromium.connectOverCDP(`http://127.0.0.1:${port}`);
    const page = await onlyPage(browser);
    return new AppWindow(child, browser, page, startedAt, folder);
  }

  /** Milliseconds from the start of the process to a mark that the page has set. */
  async untilMark(name: string): Promise<number> {
    await this.page.waitForFunction((mark) => performance.getEntriesByName(mark).length > 0, name);
    const at = await this.page.evaluate(
      (mark) => performance.timeOrigin + (performance.getEntriesByName(mark)[0]?.startTime ?? 0),
      name,
    );
    return at - this.startedAt;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, 'exit');
    await this.#browser.close().catch(() => undefined);
    this.#child.kill();
    await ended;
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Chromium writes it down once it listens. */
async function debuggingPort(folder: string): Promise<number> {
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end; await delay(10)) {
    try {
      const [port] = readFileSync(join(folder, 'DevToolsActivePort'), 'utf8').split('\n');
      if (port !== undefined && port !== '') {
        return Number(port);
      }
    } catch {
      // Not there yet.
    }
  }
  throw new Error('Electron did not open its debugging port');
}

async function onlyPage(browser: Browser): Promise<Page> {
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end; await delay(10)) {
    const page = browser.contexts().flatMap((context) => context.pages())[0];
    if (page !== undefined) {
      return page;
    }
  }
  throw new Error('Electron opened no window');
}
