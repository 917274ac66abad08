/** The app as a person has it: started by its own executable, driven through its window. */
import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type ElectronApplication, _electron as electron, type Page } from 'playwright-core';
import { onTestFinished } from 'vitest';
import { type Settings, settingsSchema } from '../../src-main/ipc/contract.ts';
import type {} from '../../src-renderer/ipc/client.ts';
import { text } from '../../src-renderer/text.ts';
import { surroundings } from './surroundings.ts';

const CHECKOUT = resolve(import.meta.dirname, '../..');
const START_MS = 60_000;
const ACTION_MS = 15_000;

export interface DesktopOptions {
  /** The folder that its helper lies under; absent: the one that the runner has started. */
  readonly root?: string;
  readonly settings?: Partial<Settings>;
  /** Address of the session bus; absent: there is none. */
  readonly bus?: string;
  /** Its folder of settings and presets; absent: a new one. */
  readonly userData?: string;
}

export class Desktop {
  /** Those that are open now: what a failed test shows. */
  static readonly open = new Set<Desktop>();
  /** What pages threw and nothing caught, since they were last asked for: a test that saw one has failed. */
  static #pageErrors: Error[] = [];
  readonly app: ElectronApplication;
  readonly page: Page;
  readonly userData: string;

  private constructor(app: ElectronApplication, page: Page, userData: string) {
    this.app = app;
    this.page = page;
    this.userData = userData;
  }

  /** @returns each only once */
  static takePageErrors(): readonly Error[] {
    const errors = Desktop.#pageErrors;
    Desktop.#pageErrors = [];
    return errors;
  }

  /** One that the test which asks for it has for itself. */
  static async forTest(options: DesktopOptions = {}): Promise<Desktop> {
    const desktop = await Desktop.start(options);
    onTestFinished(() => desktop.close());
    return desktop;
  }

  /** Whoever starts it closes it. */
  static async start(options: DesktopOptions = {}): Promise<Desktop> {
    const { HOME, JOBLET_E2E_ROOT, ELECTRON_OVERRIDE_DIST_PATH } = surroundings();
    const { root, settings, bus, userData = join(HOME, 'data', randomUUID().slice(0, 8)) } = options;
    mkdirSync(userData, { recursive: true });
    if (settings !== undefined) {
      writeFileSync(join(userData, 'settings.json'), JSON.stringify(settingsSchema.parse(settings)));
    }
    const app = await electron.launch({
      executablePath: join(ELECTRON_OVERRIDE_DIST_PATH, 'electron'),
      args: [CHECKOUT, `--root=${root ?? JOBLET_E2E_ROOT}`, `--user-data-dir=${userData}`],
      chromiumSandbox: true,
      env: { ...(process.env as Record<string, string>), ...(bus && { DBUS_SESSION_BUS_ADDRESS: bus }) },
      timeout: START_MS,
    });
    const page = await app.firstWindow({ timeout: START_MS });
    page.setDefaultTimeout(ACTION_MS);
    page.on('pageerror', (error) => Desktop.#pageErrors.push(error));
    const desktop = new Desktop(app, page, userData);
    Desktop.open.add(desktop);
    return desktop;
  }

  /** What the app has written down, a line an event. */
  get log(): string {
    return readFileSync(join(this.userData, 'app.log'), 'utf8');
  }

  /** Resolves when the window says that it is connected. */
  async connected(): Promise<void> {
    await this.page.getByRole('navigation').getByText(text.link.connected.title).waitFor();
  }

  /** As if the settings had been changed in the window. */
  async set(changes: Partial<Settings>): Promise<void> {
    const settings = settingsSchema.parse(changes);
    const { ok } = await this.page.evaluate(
      (payload) => window.joblet.request('settings.change', 2_000_000, payload),
      settings,
    );
    if (!ok) {
      throw new Error(`the settings ${JSON.stringify(settings)} are refused`);
    }
  }

  /** Of what the page has to draw on, in pixels. */
  async resize(width: number, height: number): Promise<void> {
    await this.app.evaluate(
      ({ BrowserWindow }, size) => BrowserWindow.getAllWindows()[0]?.setContentSize(...size),
      [width, height] as [number, number],
    );
    await this.page.waitForFunction(([width, height]) => innerWidth === width && innerHeight === height, [
      width,
      height,
    ] as const);
  }

  /** Goes to the page of the newest job of that name. */
  async openJob(name: string): Promise<void> {
    await this.page.getByRole('navigation').getByRole('button', { name: text.pages.jobs }).click();
    await this.page.getByRole('row').filter({ hasText: name }).first().dblclick();
    await this.page.getByRole('heading', { level: 1, name }).waitFor();
  }

  async close(): Promise<void> {
    Desktop.open.delete(this);
    await this.app.close();
  }
}
