/** The open input of a job, written to from its page. */
import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { text } from '../../src-renderer/text.ts';
import { order } from './control.ts';
import type { Desktop } from './desktop.ts';
import type { Jobs } from './jobs.ts';
import { openForAll } from './open-for-all.ts';
import { photograph } from './screens.ts';
import { surroundings } from './surroundings.ts';

let desktop: Desktop;
let jobs: Jobs;
openForAll((opened) => ({ desktop, jobs } = opened));

const asRoot = (name: Parameters<typeof order>[1]) => order(surroundings().JOBLET_E2E_CONTROL, name);
const field = () => desktop.page.getByRole('textbox', { name: text.input.label });
const printed = (words: string) => desktop.page.locator('.log-lines').getByText(words, { exact: true });
const status = (words: string) => desktop.page.getByRole('status').getByText(words);
const press = (key: string) => desktop.page.keyboard.press(key);
const reads = (name: string, words: string) =>
  jobs.run({ name, command: 'sh', args: ['-c', words], stdin: true });

async function paste(words: string): Promise<void> {
  await desktop.app.evaluate(({ clipboard }, written) => clipboard.writeText(written), words);
  await press('Control+V');
}

async function openInput(name: string): Promise<void> {
  await desktop.openJob(name);
  await expect.poll(() => field().isEnabled()).toBe(true);
  await press('l');
}

it('sends lines, brings them back by the arrows, and ends with what stands in it', async () => {
  await reads('echoes', 'while read -r line; do echo "got <$line>"; done; echo "end <$line>"');
  await openInput('echoes');
  await desktop.page.keyboard.type('one\n日本 two\n');
  await printed('got <one>').waitFor();
  await printed('got <日本 two>').waitFor();
  await press('ArrowUp');
  await press('ArrowUp');
  expect(await field().inputValue()).toBe('one');
  await desktop.page.keyboard.type('!\n');
  await printed('got <one!>').waitFor();
  await photograph(desktop, 'job-input');
  await desktop.page.keyboard.type('rest');
  await press('Control+D');
  await printed('end <rest>').waitFor();
  await status(text.input.over).waitFor();
  expect(await field().isDisabled()).toBe(true);
  await photograph(desktop, 'job-input-over');
});

it('is not ended by leaving the page, and says when nobody reads it any more', async () => {
  await reads('stays', 'read -r a; echo "a <$a>"; read -r b; echo "b <$b>"; exec 0<&-; sleep 1000');
  await openInput('stays');
  await desktop.page.keyboard.type('one\n');
  await printed('a <one>').waitFor();
  await press('Escape');
  await desktop.page.getByRole('navigation').getByRole('button', { name: text.pages.machine }).click();
  await openInput('stays');
  await desktop.page.keyboard.type('two\n');
  await printed('b <two>').waitFor();
  await status(text.input.ended).waitFor();
});

it('shows what is pasted when that is more than is seen, and sends a megabyte of it whole', async () => {
  await reads('pasted', 'read -r a; echo "a <$a>"; sha256sum; sleep 1000');
  await openInput('pasted');
  await paste('pwd\u202e\nrm -rf work\n');
  const dialog = desktop.page.getByRole('dialog');
  await dialog.getByText(text.input.pasteTitle(2)).waitFor();
  expect(await dialog.getByRole('region').textContent()).toBe('pwd\\u{202e}\nrm -rf work\n');
  await photograph(desktop, 'job-input-paste');
  await press('Escape');
  await dialog.waitFor({ state: 'detached' });
  await paste('plain');
  await press('Enter');
  await printed('a <plain>').waitFor();
  const megabyte = '0123456789abcde\n'.repeat(65_536);
  await paste(megabyte);
  await dialog.getByRole('button', { name: text.input.send }).click();
  await press('Control+D');
  await printed(`${createHash('sha256').update(megabyte).digest('hex')}  -`).waitFor();
});

it('holds what was sent while the helper is away', async () => {
  await reads('across', 'sleep 2; while read -r line; do echo "got <$line>"; done');
  await openInput('across');
  await desktop.page.keyboard.type('before\n');
  await asRoot('kill-helper');
  await status(text.input.away).waitFor();
  await photograph(desktop, 'job-input-away');
  await asRoot('start-helper');
  await expect.poll(() => field().isEnabled()).toBe(true);
  await press('l');
  await desktop.page.keyboard.type('after\n');
  await printed('got <before>').waitFor();
  await printed('got <after>').waitFor();
});
