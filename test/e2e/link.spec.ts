/** How the window stands with the helper, in each state that can come about. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { text } from '../../src-renderer/text.ts';
import { order } from './control.ts';
import { Desktop } from './desktop.ts';
import { surroundings } from './surroundings.ts';

const { JOBLET_E2E_CONTROL } = surroundings();
const root = (name: Parameters<typeof order>[1]) => order(JOBLET_E2E_CONTROL, name);

describe('the link', () => {
  afterEach(async () => {
    await root('kill-helper');
    await root('start-helper');
  });

  it('says that the helper went away, and when it is back', async () => {
    const desktop = await Desktop.forTest();
    await desktop.connected();
    const banner = desktop.page.getByRole('status').filter({ hasText: text.link.lost.title });
    await banner.waitFor({ state: 'detached' });

    await root('kill-helper');
    await banner.waitFor();
    await root('start-helper');
    await banner.waitFor({ state: 'detached' });
    await desktop.connected();
  });

  it('says that the helper does not answer, and when it does again', async () => {
    await root('freeze-helper');
    const desktop = await Desktop.forTest();
    const banner = desktop.page.getByRole('status').filter({ hasText: text.link.silent.title });
    await banner.getByRole('button', { name: text.link.replace }).waitFor();
    await root('thaw-helper');
    await banner.waitFor({ state: 'detached' });
    await desktop.connected();
  });

  it('says that the helper does not run, with the one button that starts it', async () => {
    await root('stop-helper');
    const desktop = await Desktop.forTest();
    const banner = desktop.page.getByRole('status').filter({ hasText: text.link['not-running'].title });
    await banner.getByRole('button', { name: text.link.start }).waitFor();
  });

  it('is asked to start it by the palette, and gives by a key the command that has to come before', async () => {
    await root('stop-helper');
    const { page, app } = await Desktop.forTest();
    await page.getByRole('button', { name: text.link.start }).waitFor();
    await page.keyboard.press('Control+k');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.type(text.link.start);
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: text.link.copyCommand }).waitFor();
    await page.keyboard.press('Alt+i');
    const told = page.getByText(text.link.copied);
    await told.waitFor();
    const first = await told.elementHandle();
    await page.keyboard.press('Alt+i');
    await first?.waitForElementState('hidden');
    expect(await told.count()).toBe(1);
    expect(await app.evaluate(({ clipboard }) => clipboard.readText())).toMatch(/^sudo .*joblet-helper/s);
    await page.keyboard.press('Alt+w');
    await told.waitFor({ state: 'detached' });
  });

  it('says that nothing is installed, with the command that installs it', async () => {
    const desktop = await Desktop.forTest({ root: mkdtempSync(join(tmpdir(), 'empty-')) });
    const banner = desktop.page.getByRole('status').filter({ hasText: text.link['not-installed'].title });
    await banner.getByText(/^sudo .*joblet-helper/s).waitFor();
    await banner.getByRole('button', { name: text.link.copyCommand }).waitFor();
  });

  it('says that the helper is of another build, with the one button that replaces it, or how a terminal does', async () => {
    await root('kill-helper');
    await root('start-other-build');
    const desktop = await Desktop.forTest();
    const banner = desktop.page.getByRole('status').filter({ hasText: text.link['other-version'].title });
    await banner.getByRole('button', { name: text.link.replace }).click();
    await banner.getByText(/^sudo .*joblet-helper/s).waitFor();
    await banner.getByRole('button', { name: text.link.copyCommand }).waitFor();
  });
});
