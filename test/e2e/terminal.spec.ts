/** The screen of a log that a terminal was given, as a person handles it. */
import { beforeAll, expect, it } from 'vitest';
import { text } from '../../src-renderer/text.ts';
import type { Desktop } from './desktop.ts';
import type { Jobs } from './jobs.ts';
import { openForAll } from './open-for-all.ts';

let desktop: Desktop;
let jobs: Jobs;
openForAll((opened) => ({ desktop, jobs } = opened));
beforeAll(async () => {
  const words = 'echo unused variable; echo Link failed';
  const terminal = { columns: 80, rows: 24 };
  await jobs.ended(await jobs.run({ name: 'make', command: 'sh', args: ['-c', words], terminal }));
  await desktop.openJob('make');
  await rows().getByText('Link failed').waitFor();
});

const rows = () => desktop.page.locator('.xterm-rows');

/** How far from each other the letters stand, beside what their font says, px. */
const spacing = () =>
  rows().evaluate((element) => Number.parseFloat(getComputedStyle(element).letterSpacing));

it.each(['system', 'reduced'] as const)(
  'keeps its letters together in every size, with motion: %s',
  async (motion) => {
    for (const scale of [200, 100, 150]) {
      await desktop.set({ motion, scale });
      await expect
        .poll(() => rows().evaluate((element) => getComputedStyle(element).fontSize))
        .toBe(`${(12.5 * scale) / 100}px`);
      await expect.poll(async () => Math.abs(await spacing())).toBeLessThan(0.5);
    }
  },
);

it('finds what its switches say', async () => {
  const { page } = desktop;
  await page.keyboard.press('Control+F');
  const search = page.getByRole('search');
  await search.getByRole('textbox').fill('un|link');
  await search.getByText(text.terminal.found(0, 0)).waitFor();
  await search.getByRole('button', { name: text.terminal.regex }).click();
  await search.getByText(/^\d of 2$/).waitFor();
  await search.getByRole('button', { name: text.terminal.caseSensitive }).click();
  await search.getByText('1 of 1').waitFor();
  await search.getByRole('textbox').fill('un(');
  await search.getByText(text.terminal.badPattern).waitFor();
});
