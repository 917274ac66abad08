/** A job's files into a folder of the person's. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { text } from '../../src-renderer/text.ts';
import type { Desktop } from './desktop.ts';
import type { Jobs } from './jobs.ts';
import { openForAll } from './open-for-all.ts';
import { photograph } from './screens.ts';

let desktop: Desktop;
let jobs: Jobs;
openForAll((opened) => ({ desktop, jobs } = opened));

const words = text.download;
const press = (key: string) => desktop.page.keyboard.press(key);

/** The folder that the system's dialog gives; null: it is closed. */
async function choose(folder: string | null): Promise<void> {
  await desktop.app.evaluate(({ dialog }, chosen) => {
    dialog.showOpenDialog = async () => ({
      canceled: chosen === null,
      filePaths: chosen === null ? [] : [chosen],
    });
  }, folder);
}

it('downloads what a job has left, tells what it leaves out, and nothing when no folder is chosen', async () => {
  const to = mkdtempSync(join(tmpdir(), 'download-'));
  const uuid = await jobs.shell(
    'mkdir d; echo hi >d/f; head -c 300000 /dev/zero >g; ln -s /etc out',
    'leaves',
  );
  await jobs.ended(uuid);
  await desktop.openJob('leaves');
  const strip = desktop.page.getByRole('region', { name: words.group });
  await choose(null);
  await press('w');
  await strip.waitFor({ state: 'detached' });
  await choose(to);
  await press('w');
  const folder = join(to, `leaves-${uuid.slice(0, 8)}`);
  await strip.getByText(words.done(2, 0, folder)).waitFor();
  await strip.getByText(words.leftOut(1)).click();
  await strip.getByText('out', { exact: true }).waitFor();
  await photograph(desktop, 'job-download');
  expect(readdirSync(folder, { recursive: true }).sort()).toEqual(['d', 'd/f', 'g']);
  expect(readFileSync(join(folder, 'd/f'), 'utf8')).toBe('hi\n');
  await press('w');
  await strip.getByText(words.done(0, 2, folder)).waitFor();
});

it('is stopped in the middle, keeps what it has, and says why it can not go on', async () => {
  const to = mkdtempSync(join(tmpdir(), 'download-'));
  const uuid = await jobs.shell('truncate -s 20G large', 'large');
  await jobs.ended(uuid);
  await desktop.openJob('large');
  const folder = join(to, `large-${uuid.slice(0, 8)}`);
  const strip = desktop.page.getByRole('region', { name: words.group });
  await choose(to);
  await press('w');
  await strip.getByText(words.underWay).waitFor();
  await press('Shift+W');
  await strip.getByText(words.stopped).waitFor();
  await photograph(desktop, 'job-download-stopped');
  const [draft = ''] = readdirSync(folder);
  expect(draft).toMatch(/\.part$/);
  expect(statSync(join(folder, draft)).size).toBeLessThan(20 * 1024 ** 3);
  mkdirSync(join(folder, 'large'));
  await press('Alt+G');
  await strip.getByText(words.failed).waitFor();
  await photograph(desktop, 'job-download-failed');
});
