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
