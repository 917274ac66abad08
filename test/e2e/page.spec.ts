/** The page as a thing that can break: what a person has then. */
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it, vi } from 'vitest';
import { text } from '../../src-renderer/text.ts';
import { Desktop } from './desktop.ts';

/** One that dies sooner is not loaded again. */
const SETTLED_MS = 11_000;
/** From Chromium's word that a page takes no input to its end. */
const STUCK_MS = 10_000;

async function expectNewPage({ app }: Desktop): Promise<void> {
  const words = () =>
    app.evaluate(({ BrowserWindow }) =>
      BrowserWindow.getAllWindows()[0]?.webContents.executeJavaScript('document.body.innerText'),
    );
  await vi.waitFor(async () => expect(await words()).toContain(text.link.connected.title), 20_000);
}

it('that dies is replaced by a new one', async () => {
  const desktop = await Desktop.forTest();
  await desktop.connected();
  await delay(SETTLED_MS);
  const pid = await desktop.app.evaluate(({ BrowserWindow }) =>
    BrowserWindow.getAllWindows()[0]?.webContents.getOSProcessId(),
  );
  process.kill(pid ?? -1, 'SIGKILL');
  await vi.waitFor(() => expect(desktop.log).toContain('the page is gone'), 10_000);
  await expectNewPage(desktop);
});

it('that is stuck is replaced by a new one, unless it takes input again', async () => {
  const desktop = await Desktop.forTest();
  await desktop.connected();
  // Chromium says neither of a page that is debugged, as a test's is.
  const say = (event: 'responsive' | 'unresponsive') =>
    desktop.app.evaluate(({ BrowserWindow }, name) => BrowserWindow.getAllWindows()[0]?.emit(name), event);
  await say('unresponsive');
  await say('responsive');
  await delay(STUCK_MS + 1000);
  expect(desktop.log).not.toContain('the page is stuck');
  await desktop.page.evaluate(() => {
    setTimeout(() => {
      for (;;);
    });
  });
  await say('unresponsive');
  await vi.waitFor(() => expect(desktop.log).toContain('the page is gone'), STUCK_MS + 10_000);
  expect(desktop.log).toContain('the page is stuck');
  await expectNewPage(desktop);
});

it('that is loaded anew loses nothing of what it then asks for', async () => {
  const desktop = await Desktop.forTest();
  for (let round = 0; round < 10; round += 1) {
    await desktop.connected();
    await desktop.page.reload();
  }
  await desktop.connected();
});
