/** What keys do, and where they lead. */
import { describe, expect, it } from 'vitest';
import { ACTION_GROUPS } from '../../src-renderer/state/action-catalogue.ts';
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

describe('the settings of keys', () => {
  const words = text.settings.keys;
  const buttonOf = (label: string) => desktop.page.getByRole('button', { name: words.change(label) });
  const panel = () => desktop.page.getByRole('region', { name: words.title });

  async function setKey(label: string, key: string): Promise<void> {
    await buttonOf(label).click();
    await press(key);
  }

  it('list the actions of every page, and find one by its name or its key', async () => {
    await go(text.pages.settings);
    const titles = () => panel().getByRole('heading', { level: 3 }).allTextContents();
    const search = panel().getByRole('searchbox', { name: words.search });
    expect(await titles()).toEqual(ACTION_GROUPS.map(({ title }) => title));
    await search.fill('f5');
    expect(await titles()).toEqual([text.pages.resources, text.pages.machine, text.pages.doctor]);
    await search.fill(text.job.copyId);
    expect(await titles()).toEqual([text.pages.job]);
    await search.fill('');
  });

  it('change the key of an action on its page, where the old one does nothing any more', async () => {
    await jobs.ended(await jobs.shell('echo hello', 'told by another key'));
    await go(text.pages.settings);
    await setKey(text.job.openDetails, 'k');
    await desktop.openJob('told by another key');
    const details = desktop.page.getByRole('region', { name: text.job.parts.details });
    await press('d');
    await press('?');
    await dialog().getByText(text.job.openDetails).waitFor();
    await closeDialog();
    expect(await details.count()).toBe(0);
    await press('k');
    await details.waitFor();
  });

  it('tell of a key that two actions have which can be there at the same time, and put it back', async () => {
    await go(text.pages.settings);
    await setKey(text.doctor.again, 'Control+,');
    await panel().getByText(words.shared(text.actions.openSettings)).waitFor();
    await setKey(text.doctor.again, 's');
    await panel().getByText(words.shared(text.actions.openSettings)).waitFor({ state: 'detached' });
    expect(await panel().getByText(words.shared('')).count()).toBe(0);
    await desktop.page.getByRole('button', { name: words.reset(text.doctor.again) }).click();
    expect(await buttonOf(text.doctor.again).textContent()).toContain('F5');
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
