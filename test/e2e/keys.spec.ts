/** What keys do, and where they lead. */
import { describe, expect, it } from 'vitest';
import { text } from '../../src-renderer/text.ts';
import type { Desktop } from './desktop.ts';
import type { Jobs } from './jobs.ts';
import { openForAll } from './open-for-all.ts';

let desktop: Desktop;
let jobs: Jobs;
openForAll((opened) => ({ desktop, jobs } = opened));

const press = (key: string) => desktop.page.keyboard.press(key);
const dialog = () => desktop.page.getByRole('dialog');
const go = (name: string) => desktop.page.getByRole('navigation').getByRole('button', { name }).click();

async function closeDialog(): Promise<void> {
  await press('Escape');
  await dialog().waitFor({ state: 'detached' });
}

describe('the sheet of keys', () => {
  it('lists each group once, on every page', async () => {
    await jobs.ended(await jobs.shell('echo hello', 'sheet'));
    const visits = [
      () => desktop.openJob('sheet'),
      ...[text.pages.jobs, text.actions.newJob, text.pages.machine, text.pages.doctor].map(
        (name) => () => go(name),
      ),
    ];
    for (const visit of visits) {
      await visit();
      await desktop.page.getByRole('heading', { level: 1 }).click();
      await press('?');
      await dialog().waitFor();
      const titles = await dialog().getByRole('heading', { level: 3 }).allTextContents();
      expect(titles).toContain(text.keySheet.everywhere);
      expect(titles).toEqual([...new Set(titles)]);
      await closeDialog();
    }
  });
});

describe('keys of the page', () => {
  it('do nothing behind the sheet of keys', async () => {
    const uuid = await jobs.shell('sleep 1000', 'behind the sheet');
    await go(text.pages.jobs);
    await desktop.page.getByRole('row').filter({ hasText: 'behind the sheet' }).click();
    await press('?');
    await dialog().waitFor();
    await press('s');
    await closeDialog();
    expect(await jobs.isRunning(uuid)).toBe(true);
    await press('s');
    await expect.poll(() => jobs.isRunning(uuid)).toBe(false);
  });

  it('do nothing behind a question and behind a menu', async () => {
    await jobs.ended(await jobs.shell('echo once', 'asked about'));
    await desktop.openJob('asked about');
    await press('Delete');
    await dialog().waitFor();
    await press('r');
    await closeDialog();
    await desktop.page.getByRole('button', { name: text.job.more }).press('Enter');
    await desktop.page.getByRole('menu').waitFor();
    await expect.poll(() => desktop.page.locator(':focus').getAttribute('role')).toMatch(/^menu/);
    await press('r');
    await press('Delete');
    expect(await dialog().count()).toBe(0);
    await press('Escape');
    await desktop.page.getByRole('menu').waitFor({ state: 'detached' });
    const again = () => desktop.page.getByRole('row').filter({ hasText: 'asked about' }).count();
    await go(text.pages.jobs);
    await jobs.shell('true', 'told after them');
    await desktop.page.getByRole('row').filter({ hasText: 'told after them' }).waitFor();
    expect(await again()).toBe(1);
  });
});

describe('the focus', () => {
  const focused = () => desktop.page.locator(':focus');

  it('goes where an action of the palette leads', async () => {
    await go(text.pages.jobs);
    await desktop.page.getByRole('grid').focus();
    await press('Control+k');
    await dialog().waitFor();
    await desktop.page.keyboard.type(text.jobs.search);
    await press('Enter');
    await dialog().waitFor({ state: 'detached' });
    await expect.poll(() => focused().getAttribute('aria-label')).toBe(text.jobs.search);
  });

  it('goes to the title of a page that is opened', async () => {
    await jobs.ended(await jobs.shell('seq 1000', 'numbers'));
    await desktop.openJob('numbers');
    expect(await focused().textContent()).toBe('numbers');
    await go(text.pages.machine);
    await expect.poll(() => focused().textContent()).toBe(text.pages.machine);
  });

  it('in a text field leaves Ctrl+A to it', async () => {
    await desktop.openJob('numbers');
    await press('Control+f');
    const field = desktop.page.getByRole('search').getByRole('textbox');
    await field.fill('99');
    await press('Control+a');
    await desktop.page.keyboard.type('7');
    expect(await field.inputValue()).toBe('7');
  });

  it('moves on by Tab while a new key is waited for, and no key of windows is taken', async () => {
    await go(text.pages.settings);
    const button = desktop.page.getByRole('button', {
      name: text.settings.keys.change(text.actions.palette),
    });
    await button.press('Enter');
    await press('Enter');
    await press('ArrowDown');
    expect(await button.textContent()).toContain(text.settings.keys.press);
    await press('Tab');
    expect(await button.textContent()).toContain('Ctrl+K');
    expect(await button.evaluate((element) => element === document.activeElement)).toBe(false);
  });
});
