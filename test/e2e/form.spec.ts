/** What is typed, pasted and kept in the form, and a log that is saved. */
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { text } from '../../src-renderer/text.ts';
import type { Desktop } from './desktop.ts';
import type { Jobs } from './jobs.ts';
import { openForAll } from './open-for-all.ts';

const words = text.newJob;

let desktop: Desktop;
let jobs: Jobs;
openForAll((opened) => ({ desktop, jobs } = opened));

const field = (name: string) => desktop.page.getByRole('textbox', { name, exact: true });
/** Of the job; a variable has a name, too. */
const jobName = () => field(words.fields.name.label).first();
const command = () => field(words.fields.command.label);
const memory = () => field(words.fields['limits.memoryBytes'].label);

/** By key, as from another program, where the caret is. */
async function paste(line: string): Promise<void> {
  await desktop.app.evaluate(({ clipboard }, words) => clipboard.writeText(words), line);
  await desktop.page.keyboard.press('Control+v');
}

const go = (name: string) => desktop.page.getByRole('navigation').getByRole('button', { name }).click();

async function openForm(): Promise<void> {
  await go(text.actions.newJob);
  await command().waitFor();
}

const unfold = (fold: 'files' | 'network') =>
  desktop.page.getByRole('heading', { name: words.groups[fold].title, exact: true }).click();

const filesToCopy = () => field(words.fields.uploads.label);
const output = () => desktop.page.locator('.log-lines');

describe('files to copy', () => {
  it('are in the job when it starts, and a fault of theirs is told at the form', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'copied-'));
    writeFileSync(join(folder, 'greeting'), 'hello from here');
    await openForm();
    await command().fill('cat greeting');
    await desktop.page.getByText(words.groups.files.title, { exact: true }).click();
    await filesToCopy().fill(join(folder, 'none'));
    await desktop.page.keyboard.press('Control+Enter');
    await desktop.page.getByText(words.notStarted).waitFor();
    await filesToCopy().fill(folder);
    await desktop.page.keyboard.press('Control+Enter');
    await output().getByText('hello from here').waitFor();
  });

  it('can be chosen in the desktop’s dialog, more than once, and not at all', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'chosen-'));
    const chosen = [join(folder, 'one'), join(folder, 'two')];
    await openForm();
    await unfold('files');
    for (const filePaths of [chosen.slice(0, 1), chosen, []]) {
      await desktop.app.evaluate(({ dialog }, paths) => {
        dialog.showOpenDialog = async () => ({ canceled: paths.length === 0, filePaths: paths });
      }, filePaths);
      await desktop.page.getByRole('button', { name: words.picker.files }).click();
    }
    await desktop.page.getByText(words.droppedToUpload(chosen)).waitFor();
    expect(await filesToCopy().inputValue()).toBe(chosen.join(', '));
    await desktop.page.getByRole('button', { name: words.clear }).click();
  });

  it('come later when they are gone on with', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'later-'));
    writeFileSync(join(folder, 'greeting'), 'hello from later');
    await jobs.run({ name: 'the waiting one', command: 'cat', args: ['greeting'], uploads: [folder] });
    await desktop.openJob('the waiting one');
    await desktop.page.getByRole('button', { name: text.job.upload }).click();
    await output().getByText('hello from later').waitFor();
  });
});

describe('what exists on this machine', () => {
  it('is chosen by a click, and what is made in the form is chosen at once', async () => {
    await openForm();
    await unfold('network');
    const networks = desktop.page.getByRole('group', { name: words.existing.network });
    await networks.getByRole('button', { name: 'none' }).click();
    expect(await field(words.fields.network.label).inputValue()).toBe('none');
    await networks.getByRole('button', { name: 'none', pressed: true }).waitFor();
    await unfold('files');
    const volumes = desktop.page.getByRole('group', { name: words.existing.volumes });
    await volumes.getByRole('button', { name: text.resources.volumes.create }).click();
    await field(text.resources.volumes.name).last().fill('made-here');
    await field(text.resources.volumes.size).fill('16 MB');
    await desktop.page.keyboard.press('Enter');
    await volumes.getByRole('button', { name: 'made-here', pressed: true }).waitFor();
    expect(await field(words.fields.volumes.label).inputValue()).toBe('made-here');
    await command().fill('df /volumes/made-here; tail -n +3 /proc/net/dev | cut -d: -f1');
    await desktop.page.keyboard.press('Control+Enter');
    await output().getByText('/volumes/made-here').waitFor();
    await output().getByText('lo', { exact: true }).waitFor();
  });
});

describe('the form', () => {
  it('holds what was typed and not run when one comes back, and nothing once it ran', async () => {
    await openForm();
    await command().fill('echo hello');
    await jobName().fill('greeting');
    await go(text.pages.machine);
    await command().waitFor({ state: 'detached' });
    await openForm();
    expect(await command().inputValue()).toBe('echo hello');
    expect(await jobName().inputValue()).toBe('greeting');
    await desktop.page.getByRole('button', { name: words.clear }).click();
    expect(await command().inputValue()).toBe('');
    await command().fill('echo hello');
    await jobName().fill('greeting');
    await desktop.page.keyboard.press('Control+Enter');
    await desktop.page.getByRole('heading', { level: 1, name: 'greeting' }).waitFor();
    await openForm();
    expect(await command().inputValue()).toBe('');
  });

  it('holds what was typed when it is asked for once more', async () => {
    await openForm();
    await command().fill('make again');
    await go(text.actions.newJob);
    await desktop.page.keyboard.press('Control+n');
    await desktop.page.getByRole('heading', { level: 1, name: text.pages.new }).waitFor();
    expect(await command().inputValue()).toBe('make again');
  });

  it('asks for a job that starts later, which is found by its label, and canceled by a key', async () => {
    await openForm();
    await command().fill('true');
    await jobName().fill('nightly');
    await desktop.page.keyboard.press('Alt+o');
    await field(words.fields.startAtUs.label).fill('yesterday');
    await desktop.page.getByText('is not a time').waitFor();
    await field(words.fields.startAtUs.label).fill('2h 30m');
    await field(words.fields.labels.label).fill('team=core');
    await desktop.page.keyboard.press('Control+Enter');
    await desktop.page.getByRole('heading', { level: 1, name: 'nightly' }).waitFor();
    await desktop.page.getByText(text.status.SCHEDULED).waitFor();
    await desktop.page.getByText(/^starts in 2 h (29|30) min/).waitFor();
    await go(text.pages.jobs);
    await desktop.page
      .getByRole('row', { name: 'nightly' })
      .getByRole('button', { name: 'team=core' })
      .click();
    expect(await desktop.page.getByRole('searchbox').inputValue()).toBe('team=core');
    await desktop.page.getByRole('row', { name: 'nightly' }).getByText('in 2 h').waitFor();
    await desktop.page.getByRole('button', { name: 'nightly' }).click();
    await desktop.page.getByRole('button', { name: text.job.cancel }).waitFor();
    await desktop.page.keyboard.press('x');
    await desktop.page.getByText(text.exit.canceled).waitFor();
    await go(text.pages.jobs);
    await desktop.page.getByRole('searchbox').fill('');
  });

  it('keeps all when a pasted line is not understood, which goes where one pasted it', async () => {
    await openForm();
    await command().fill('echo typed by hand');
    await memory().fill('2 GB');
    await command().press('End');
    await paste(' docker run --cpus=x image ls');
    await desktop.page.getByText(words.notUnderstood).waitFor();
    expect(await command().inputValue()).toBe('echo typed by hand docker run --cpus=x image ls');
    expect(await memory().inputValue()).toBe('2 GB');
  });

  it('brings back what a pasted line or a clearing took the place of', async () => {
    const bringBack = () => desktop.page.getByRole('button', { name: words.bringBack }).click();
    await openForm();
    await command().fill('echo typed by hand');
    await memory().fill('2 GB');
    await command().press('End');
    await paste('docker run image ls');
    await expect.poll(() => command().inputValue()).toBe('ls');
    expect(await memory().inputValue()).toBe('');
    await bringBack();
    expect(await command().inputValue()).toBe('echo typed by hand');
    expect(await memory().inputValue()).toBe('2 GB');
    await desktop.page.getByRole('button', { name: words.clear }).click();
    expect(await memory().inputValue()).toBe('');
    await bringBack();
    expect(await memory().inputValue()).toBe('2 GB');
    expect(await command().inputValue()).toBe('echo typed by hand');
  });

  it('is filled by a line of docker, and says what was left out', async () => {
    await openForm();
    await command().fill('docker run --rm -m 512m --name build -e A=1 gcc:14 make -j8');
    await desktop.page.getByRole('button', { name: words.fill }).click();
    await desktop.page.getByText('The image `gcc:14` is left out').waitFor();
    expect(await command().inputValue()).toBe('make -j8');
    expect(await jobName().inputValue()).toBe('build');
    expect(await memory().inputValue()).toMatch(/^512/);
  });

  it('is filled by a line that leaves the same out twice, and says so once', async () => {
    await openForm();
    await command().fill('docker run -e A -e A image ls');
    await desktop.page.getByRole('button', { name: words.fill }).click();
    await expect.poll(() => command().inputValue()).toBe('ls');
    const remarks = await desktop.page.getByRole('status').getByRole('listitem').allTextContents();
    expect(remarks).toContainEqual(expect.stringContaining('The image `image` is left out'));
    expect(remarks).toEqual([...new Set(remarks)]);
  });

  it('is saved under a name, and filled from it again', async () => {
    await openForm();
    await command().fill('make test');
    await desktop.page.getByRole('button', { name: words.presets.open }).click();
    await field(words.presets.name).fill('tests');
    await desktop.page.getByRole('button', { name: words.presets.save, exact: true }).click();
    const preset = desktop.page
      .getByRole('dialog')
      .getByRole('button', { name: `${words.presets.load} tests` });
    await preset.waitFor();
    await desktop.page.getByRole('button', { name: text.actions.close, exact: true }).click();
    await command().fill('something else');
    await desktop.page.getByRole('button', { name: words.presets.open }).click();
    await preset.click();
    expect(await command().inputValue()).toBe('make test');
    await desktop.page.getByRole('button', { name: words.bringBack }).click();
    expect(await command().inputValue()).toBe('something else');
  });
});

describe('a log', () => {
  it('is saved whole where the dialog says', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'saved-'));
    const path = join(folder, 'numbers.log');
    await jobs.ended(await jobs.shell('seq 100000', 'numbers'));
    await desktop.app.evaluate(({ dialog }, filePath) => {
      dialog.showSaveDialog = async () => ({ canceled: false, filePath });
    }, path);
    await desktop.openJob('numbers');
    await desktop.page.getByRole('button', { name: text.terminal.save }).click();
    await desktop.page.getByText(text.terminal.saved).first().waitFor();
    expect(readFileSync(path, 'utf8').split('\n')).toHaveLength(100_001);
    expect(readdirSync(folder)).toEqual(['numbers.log']);
  });
});
