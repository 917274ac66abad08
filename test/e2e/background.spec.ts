/** What of the app is there while its window isn't: the tray, and the news of jobs that end. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { text as mainText } from '../../src-main/app/text.ts';
import { text } from '../../src-renderer/text.ts';
import { Desktop } from './desktop.ts';
import { Jobs } from './jobs.ts';
import { type Notifications, SessionBus, type Tray } from './session-bus.ts';

const PATIENCE = { timeout: 20_000 } as const;

let bus: SessionBus;
let jobs: Jobs;
beforeEach(async () => {
  bus = await SessionBus.forTest();
  jobs = await Jobs.connect();
  await jobs.clear();
});
afterEach(async () => {
  await jobs?.clear();
  jobs?.[Symbol.dispose]();
});

/** As by the button of its frame. */
async function closeWindow({ app }: Desktop): Promise<void> {
  await app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.close());
}

const isVisible = ({ app }: Desktop) =>
  app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.isVisible() === true);

describe('with a tray and notifications', () => {
  let tray: Tray;
  let notifications: Notifications;
  let desktop: Desktop;
  beforeEach(async () => {
    tray = await bus.startTray();
    notifications = await bus.startNotifications();
    desktop = await Desktop.forTest({ bus: bus.address });
    await desktop.connected();
  });

  it('goes there when it is closed while jobs run, tells their number, and comes back by a click', async () => {
    const icon = await tray.icon();
    expect(await icon.tooltip()).toBe('Joblet: No job runs');
    await jobs.shell('sleep 1000', 'the long one');
    await vi.waitUntil(async () => (await icon.tooltip()) === 'Joblet: 1 job running', PATIENCE);
    await closeWindow(desktop);
    expect(await isVisible(desktop)).toBe(false);
    expect(await notifications.click(mainText.notifications.hidden(1))).toBe(mainText.notifications.inTray);
    await vi.waitUntil(() => isVisible(desktop), PATIENCE);
    await closeWindow(desktop);
    await icon.click();
    await vi.waitUntil(() => isVisible(desktop), PATIENCE);
  });

  it('has a menu that leads to a new job, and one that ends it while jobs go on', async () => {
    const uuid = await jobs.shell('sleep 1000', 'the long one');
    const icon = await tray.icon();
    await vi.waitUntil(async () => (await icon.menu())[0] === mainText.tray.running(1), PATIENCE);
    await icon.choose(mainText.tray.newJob);
    await desktop.page.getByRole('heading', { level: 1, name: text.pages.new }).waitFor();
    const ended = desktop.app.waitForEvent('close');
    await icon.choose(mainText.tray.quit);
    await ended;
    expect(await jobs.isRunning(uuid)).toBe(true);
  });

  it('tells of a job that failed, and a click leads to its log', async () => {
    await jobs.shell('echo from the log; sleep 4; exit 3', 'the failing one');
    await vi.waitUntil(() => desktop.page.getByText('the failing one').count(), PATIENCE);
    await closeWindow(desktop);
    await notifications.click(mainText.notifications.hidden(1));
    const body = await notifications.click('Job failed: the failing one');
    expect(body).toMatch(/^Exit code 3\. It ran for \ds\.$/);
    await desktop.page.getByRole('heading', { level: 1, name: 'the failing one' }).waitFor();
    await desktop.page.locator('.log-lines').getByText('from the log').waitFor();
  });
});

describe('with notifications alone', () => {
  it('stays to tell of the end, and says how to see it again', async () => {
    const notifications = await bus.startNotifications();
    const desktop = await Desktop.forTest({ bus: bus.address });
    await desktop.connected();
    await jobs.shell('sleep 1000', 'the long one');
    await vi.waitUntil(() => desktop.page.getByText('the long one').count(), PATIENCE);
    await closeWindow(desktop);
    expect(await notifications.click(mainText.notifications.hidden(1))).toBe(
      mainText.notifications.inBackground,
    );
    await vi.waitUntil(() => isVisible(desktop), PATIENCE);
  });
});

describe('with neither', () => {
  it('ends, since nobody would see it any more; jobs go on', async () => {
    const desktop = await Desktop.start({ bus: bus.address });
    await desktop.connected();
    const uuid = await jobs.shell('sleep 1000', 'the long one');
    await vi.waitUntil(() => desktop.page.getByText('the long one').count(), PATIENCE);
    const ended = desktop.app.waitForEvent('close');
    await closeWindow(desktop).catch(() => {});
    await ended;
    Desktop.open.delete(desktop);
    expect(await jobs.isRunning(uuid)).toBe(true);
  });
});
