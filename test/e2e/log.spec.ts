/** The log of a job, as a person reads it: of any length, live, searched, by time. */
import { mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { text } from '../../src-renderer/text.ts';
import type { Desktop } from './desktop.ts';
import type { Jobs } from './jobs.ts';
import { openForAll } from './open-for-all.ts';

let desktop: Desktop;
let jobs: Jobs;
openForAll((opened) => ({ desktop, jobs } = opened));

const rows = () => desktop.page.locator('.log-lines');

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
