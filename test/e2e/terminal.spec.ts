/** The screen of a log, as a person handles it. */
import { mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, expect, it } from 'vitest';
import { text } from '../../src-renderer/text.ts';
import type { Desktop } from './desktop.ts';
import type { Jobs } from './jobs.ts';
import { openForAll } from './open-for-all.ts';

let desktop: Desktop;
let jobs: Jobs;
openForAll((opened) => ({ desktop, jobs } = opened));
beforeAll(async () => {
  await jobs.ended(await jobs.shell('echo unused variable; echo Link failed', 'make'));
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

/** Blocks of half a megabyte, far more than is drawn at once, on one stream; one line on the other. */
const FLOOD =
  'my $block = ("OUTOUT" x 20 . "\\n") x 5000; print STDERR "errline\\n"; while (1) { syswrite STDOUT, $block; select undef, undef, undef, 0.005 }';

const COUNTING =
  'my $n = 0; while (1) { print join "", map { ++$n; "line $n of many\\n" } 1 .. 20_000; select undef, undef, undef, 0.02 }';

const choose = (stream: keyof typeof text.terminal.streams) =>
  desktop.page.getByText(text.terminal.streams[stream], { exact: true }).first().click();

it('shows nothing of the stream that was left', { timeout: 120_000 }, async () => {
  await jobs.run({ name: 'flood', command: 'perl', args: ['-e', FLOOD] });
  await desktop.openJob('flood');
  for (let round = 0; round < 8; round += 1) {
    await rows().getByText('OUTOUT').first().waitFor();
    await choose('stderr');
    await delay(1000);
    expect(await rows().getByText('OUTOUT').count()).toBe(0);
    await choose('both');
  }
  await jobs.clear();
});

it('says of which stream there was nothing', async () => {
  await jobs.ended(await jobs.shell('echo something', 'prints'));
  await desktop.openJob('prints');
  await rows().getByText('something').waitFor();
  await choose('stderr');
  await desktop.page.getByText(text.terminal.nothingOn('stderr', true)).waitFor();
  expect(await desktop.page.getByText(text.job.noOutput).count()).toBe(0);
});

it('begins with the first line when it is seen from the start', { timeout: 120_000 }, async () => {
  await jobs.run({ name: 'counter', command: 'perl', args: ['-e', COUNTING] });
  await desktop.openJob('counter');
  for (let round = 0; round < 5; round += 1) {
    await rows().getByText(/\d{6}/).first().waitFor();
    await desktop.page.keyboard.press('Control+Home');
    await rows().getByText('line 1 of many', { exact: true }).waitFor();
    await desktop.page.keyboard.press('End');
    await rows().getByText('line 1 of many', { exact: true }).waitFor({ state: 'detached' });
  }
  await jobs.clear();
});

it('stops saving a long log when it is told to, and leaves nothing of it', { timeout: 120_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'stopped-'));
  await desktop.app.evaluate(
    ({ dialog }, filePath) => {
      dialog.showSaveDialog = async () => ({ canceled: false, filePath });
    },
    join(folder, 'long.log'),
  );
  await jobs.ended(await jobs.shell('yes "a line of a long log" | head -c 500000000', 'long'));
  await desktop.openJob('long');
  const button = (name: string) => desktop.page.getByRole('button', { name, exact: true });
  await button(text.terminal.save).click();
  await expect.poll(() => readdirSync(folder)).toHaveLength(1);
  await button(text.terminal.stopSaving).click();
  await button(text.terminal.save).waitFor();
  expect(readdirSync(folder)).toEqual([]);
  expect(await desktop.page.getByRole('alert').count()).toBe(0);
});
