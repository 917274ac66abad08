/** Every screen and state, in pictures (dist/screenshots) and before axe. `npm run screenshots` runs just this. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it, vi } from 'vitest';
import { clientConfigOf, pathsUnder } from '../../native-helper/api/paths.ts';
import { text } from '../../src-renderer/text.ts';
import { order } from './control.ts';
import { Desktop } from './desktop.ts';
import { Jobs } from './jobs.ts';
import { openForAll } from './open-for-all.ts';
import { LIGHT_AND_DARK, photograph } from './screens.ts';
import { surroundings } from './surroundings.ts';

/** A test takes up to sixty pictures, on a screen that a processor draws. */
vi.setConfig({ testTimeout: 300_000 });

const { JOBLET_E2E_CONTROL } = surroundings();
const asRoot = (name: Parameters<typeof order>[1]) => order(JOBLET_E2E_CONTROL, name);
const emptyRoot = () => mkdtempSync(join(tmpdir(), 'empty-'));

function rootWithClientConfig(content: string, mode: number): string {
  const paths = pathsUnder(emptyRoot());
  mkdirSync(paths.clientConfigDirectory, { recursive: true });
  writeFileSync(clientConfigOf(paths, process.getuid?.() ?? 0), content, { mode });
  return paths.root;
}

const PAGES = ['jobs', 'new', 'resources', 'machine', 'doctor', 'settings'] as const;

/** Goes where a click leads. */
async function go({ page }: Desktop, name: (typeof PAGES)[number] | 'gallery'): Promise<void> {
  const navigation = page.getByRole('navigation');
  if (name === 'gallery') {
    await page.keyboard.press('Control+K');
    await page.keyboard.type(text.actions.openGallery);
    await page.keyboard.press('Enter');
  } else {
    await navigation
      .getByRole('button', { name: name === 'new' ? text.actions.newJob : text.pages[name] })
      .click();
  }
}

describe('with a helper', () => {
  let desktop: Desktop;
  let jobs: Jobs;
  openForAll((opened) => ({ desktop, jobs } = opened));

  it('no jobs', async () => {
    await go(desktop, 'jobs');
    await desktop.page.getByText(text.jobs.empty.title).waitFor();
    await photograph(desktop, 'jobs-empty');
  });

  it('jobs in many states', async () => {
    const ended = await Promise.all([
      jobs.shell('echo compiled', 'build'),
      jobs.shell('echo "1 test failed" >&2; exit 1', 'test'),
      jobs.shell('kill -SEGV $$', 'crash'),
      jobs.run({ name: 'lint', command: 'true', labels: { team: 'core', stage: 'check', nightly: '' } }),
      jobs.run({
        name: 'bench',
        command: 'true',
        labels: { 'example.com/machine': 'the-big-one-in-the-basement' },
      }),
    ]);
    for (const uuid of ended) {
      await jobs.ended(uuid);
    }
    await jobs.shell('while sleep 1; do date; done', 'watch the folder');
    await jobs.shell('sleep 1000', 'train');
    await go(desktop, 'jobs');
    await desktop.page.getByText('watch the folder').waitFor();
    await photograph(desktop, 'jobs');
  });

  it('a job: its output, its details, one that was refused, one that runs, none', async () => {
    const { page } = desktop;
    const colours =
      "printf '\\033[32mok\\033[0m 12 files\\n\\033[33mwarning\\033[0m: unused variable\\n'; echo 'link failed' >&2";
    await jobs.ended(await jobs.shell(`${colours}; exit 3`, 'make all'));
    await jobs.ended(await jobs.run({ name: 'misspelt', command: 'mkae' }));
    await jobs.ended(await jobs.run({ name: 'slow', command: 'sleep', args: ['60'], timeoutMs: 300n }));
    await desktop.openJob('make all');
    await page.locator('.log-lines').getByText('link failed').waitFor();
    await photograph(desktop, 'job-output', {
      ...LIGHT_AND_DARK,
      contrast: { theme: 'contrast' },
      'light-200': { theme: 'light', scale: 200 },
    });
    await page.keyboard.press('Control+F');
    await page.getByRole('search').getByRole('textbox').fill('un|link');
    await page.getByRole('search').getByRole('button', { name: text.terminal.regex }).click();
    await page.getByText(text.log.found(0, 2), { exact: true }).waitFor();
    await page.keyboard.press('F3');
    await page.getByText(text.log.found(1, 2), { exact: true }).waitFor();
    await photograph(desktop, 'job-search');
    await page.keyboard.press('Escape');
    await page.getByRole('main').getByText(text.job.parts.details, { exact: true }).click();
    await photograph(desktop, 'job-details');
    await desktop.openJob('misspelt');
    await page.getByText(text.exit.refused).waitFor();
    await photograph(desktop, 'job-refused');
    await desktop.openJob('slow');
    await page.getByText('and was ended.').first().waitFor();
    await photograph(desktop, 'job-timeout');
    await page.keyboard.press('Delete');
    await page.getByRole('dialog').waitFor();
    await photograph(desktop, 'job-delete');
    await page.keyboard.press('Escape');
    await desktop.openJob('watch the folder');
    await photograph(desktop, 'job-running');
    await page.keyboard.press('u');
    await page.locator('figure canvas').first().waitFor();
    await photograph(desktop, 'job-usage');
  });

  it('a long log: in the middle, searched, only what matches, nothing that matches, a time', async () => {
    const { page } = desktop;
    const sizes = [
      [1280, 800],
      [800, 600],
    ] as const;
    const take = (name: string) => photograph(desktop, name, LIGHT_AND_DARK, sizes);
    const words =
      'for (1 .. 400000) { printf "\\e[%dmline %d\\e[0m of many%s\\n", 31 + $_ % 6, $_, $_ % 997 ? "" : " \\e[1mneedle\\e[0m" }';
    await jobs.ended(await jobs.run({ name: 'long log', command: 'perl', args: ['-e', words] }));
    await desktop.openJob('long log');
    await page.locator('.log-lines').getByText('line 400000').waitFor();
    await page.keyboard.press('Home');
    await page.keyboard.press('Alt+t');
    await page.keyboard.press('Control+F');
    const field = page.getByRole('search').getByRole('textbox');
    await field.fill('needle');
    await page.getByText(text.log.found(0, 401), { exact: true }).waitFor();
    await page.keyboard.press('Enter');
    await page.getByText(text.log.found(1, 401), { exact: true }).waitFor();
    await take('log-searched');
    await page.keyboard.press('Alt+o');
    await page.locator('.log-lines').getByText('line 1994', { exact: true }).waitFor();
    await take('log-matching');
    await field.fill('no such line');
    await page.getByText(text.log.noneMatch).waitFor();
    await take('log-none-matches');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Control+g');
    await page.getByRole('textbox', { name: text.log.time }).fill('yesterday');
    await page.keyboard.press('Enter');
    await page.getByText(/is not a time/).waitFor();
    await take('log-time');
  });

  it('a job that was stopped, and one that is lost', async () => {
    const { page } = desktop;
    await jobs.shell('echo listening; trap "echo going; exit" TERM; while sleep 0.1; do :; done', 'serve');
    await desktop.openJob('serve');
    await page.locator('.log-lines').getByText('listening').waitFor();
    await page.keyboard.press('s');
    await page.getByText(text.exit.stopped).waitFor();
    await photograph(desktop, 'job-stopped');
    await jobs.shell('seq 3; sleep 1000', 'count');
    await desktop.openJob('count');
    await page.locator('.log-lines').getByText('3').waitFor();
    await asRoot('kill-monitors');
    await page.getByText(text.exit.lost).waitFor();
    await photograph(desktop, 'job-lost');
  });

  it('jobs: none that matches, many that are chosen, the question before they are deleted', async () => {
    const { page } = desktop;
    await Promise.all(['eval', 'sweep', 'index'].map((name) => jobs.shell('sleep 1000', name)));
    await go(desktop, 'jobs');
    await page.getByRole('row').filter({ hasText: 'sweep' }).waitFor();
    await page.getByRole('searchbox').fill('what no job is called');
    await page.getByText(text.jobs.nothing.title).waitFor();
    await photograph(desktop, 'jobs-nothing');
    await page.keyboard.press('Alt+0');
    await page.getByRole('grid').focus();
    await page.keyboard.press('Control+a');
    await photograph(desktop, 'jobs-chosen');
    await page.keyboard.press('Delete');
    await page.getByRole('dialog').waitFor();
    await photograph(desktop, 'jobs-delete');
    await page.keyboard.press('Escape');
  });

  it('news of what was done, and of what could not be', async () => {
    const { page } = desktop;
    await desktop.openJob('lint');
    await desktop.app.evaluate(({ dialog }) => {
      dialog.showSaveDialog = async () => ({ canceled: false, filePath: '/etc/lint.log' });
    });
    await page.keyboard.press('Control+s');
    await page.getByText(text.terminal.notSaved).waitFor();
    for (const [look, settings] of Object.entries(LIGHT_AND_DARK)) {
      await page.keyboard.press('i');
      await page.getByText(text.link.copied).first().waitFor();
      await photograph(desktop, 'news', { [look]: settings });
    }
    await page.keyboard.press('Alt+w');
  });

  it('a form with faults, and presets', async () => {
    const { page } = desktop;
    await go(desktop, 'new');
    await page
      .getByRole('textbox', { name: text.newJob.fields['limits.memoryBytes'].label, exact: true })
      .fill('much');
    await page.keyboard.press('Control+Enter');
    await page.getByText(text.newJob.faults(2)).waitFor();
    await photograph(desktop, 'new-faults');
    await page.getByRole('button', { name: text.newJob.clear }).click();
    await page.keyboard.press('Control+P');
    await page.getByRole('dialog').waitFor();
    await photograph(desktop, 'new-presets');
    await page.keyboard.press('Escape');
  });

  it('a form that a line has filled, and the way back', async () => {
    const { page } = desktop;
    await go(desktop, 'new');
    const command = page.getByRole('textbox', { name: text.newJob.fields.command.label, exact: true });
    await command.fill('docker run --rm -m 512m --name build -v .:/src -e CC=clang gcc:14 make -j8');
    await page.getByRole('button', { name: text.newJob.fill }).click();
    await page.getByRole('button', { name: text.newJob.bringBack }).waitFor();
    await photograph(desktop, 'new-filled');
    await page.keyboard.press('Alt+o');
    await photograph(desktop, 'new-all');
    await page.getByRole('button', { name: text.newJob.clear }).click();
  });

  it('volumes and networks: none of our own, faults, some, and one that is removed', async () => {
    const { page } = desktop;
    const words = text.resources;
    await go(desktop, 'resources');
    await page.getByText(words.volumes.none).waitFor();
    await photograph(desktop, 'resources-empty');
    const field = (name: string) => page.getByRole('dialog').getByRole('textbox', { name, exact: true });
    await page.keyboard.press('v');
    await field(words.volumes.name).fill('a b');
    await page.keyboard.press('Enter');
    await photograph(desktop, 'resources-volume-faults');
    await field(words.volumes.name).fill('scratch');
    await field(words.volumes.size).fill('16 MB');
    await page.getByText(words.volumes.types.memory, { exact: true }).click();
    await page.getByRole('button', { name: words.create }).click();
    await page.getByRole('button', { name: words.volumes.remove('scratch') }).waitFor();
    await page.keyboard.press('n');
    await field(words.networks.name).fill('lab');
    await field(words.networks.cidr).fill('10.188.7.0/24');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: words.networks.remove('lab') }).waitFor();
    await photograph(desktop, 'resources');
    await page.getByRole('button', { name: words.volumes.remove('scratch') }).click();
    await page.getByRole('button', { name: words.remove, exact: true }).click();
    await page.getByText(words.volumes.none).waitFor();
    await page.getByRole('button', { name: words.networks.remove('lab') }).focus();
    await page.keyboard.press('Delete');
    await page.getByRole('button', { name: words.remove, exact: true }).click();
    await page.getByRole('button', { name: words.networks.remove('lab') }).waitFor({ state: 'detached' });
  });

  it.each(['new', 'machine', 'doctor', 'settings'] as const)('%s', async (name) => {
    await go(desktop, name);
    await desktop.page.getByText(text.doctor.loading).waitFor({ state: 'hidden' });
    await photograph(desktop, name);
  });

  it('a key that two actions have', async () => {
    await go(desktop, 'settings');
    const search = desktop.page.getByRole('searchbox', { name: text.settings.keys.search });
    await search.fill('ctrl+,');
    const keys = { examine: 'Ctrl+,' };
    await photograph(desktop, 'settings-keys', {
      light: { theme: 'light', keys },
      dark: { theme: 'dark', keys },
      'light-200': { theme: 'light', scale: 200, keys },
    });
    await search.fill('');
  });

  it('the palette and the sheet of keys', async () => {
    await go(desktop, 'jobs');
    await desktop.page.keyboard.press('Control+K');
    await desktop.page.getByRole('dialog').waitFor();
    await photograph(desktop, 'palette');
    await desktop.page.keyboard.press('Escape');
    await desktop.page.getByRole('dialog').waitFor({ state: 'detached' });
    await desktop.page.keyboard.press('?');
    await desktop.page.getByRole('dialog').waitFor();
    await photograph(desktop, 'keys');
    await desktop.page.keyboard.press('Escape');
  });

  it('the gallery of components, in every look', async () => {
    await go(desktop, 'gallery');
    await photograph(desktop, 'gallery', {
      ...LIGHT_AND_DARK,
      contrast: { theme: 'contrast' },
      'light-200': { theme: 'light', scale: 200 },
      'dark-200': { theme: 'dark', scale: 200 },
      'contrast-200': { theme: 'contrast', scale: 200 },
      'full-motion': { theme: 'light', motion: 'system' },
    });
  });
});

describe('without a helper', () => {
  it('every page says so', async () => {
    const desktop = await Desktop.forTest({ root: emptyRoot() });
    await desktop.page.getByText(text.link['not-installed'].title).first().waitFor();
    for (const name of PAGES) {
      await go(desktop, name);
      await photograph(desktop, `link-not-installed-${name}`);
    }
  });
});

describe('the link', () => {
  beforeEach(() => asRoot('stop-helper'));
  afterEach(async () => {
    await asRoot('kill-helper');
    await asRoot('start-helper');
  });

  const photographLink = async (desktop: Desktop, state: keyof typeof text.link & string, title: string) => {
    await desktop.page.getByRole('navigation').getByText(title).waitFor();
    await photograph(desktop, `link-${state}`);
  };

  it('not running', async () => {
    await photographLink(await Desktop.forTest(), 'not-running', text.link['not-running'].title);
  });

  it('other version', async () => {
    await asRoot('start-other-build');
    await photographLink(await Desktop.forTest(), 'other-version', text.link['other-version'].title);
  });

  it('other version, which only a terminal can replace', async () => {
    await asRoot('start-other-build');
    const desktop = await Desktop.forTest();
    await desktop.page.getByRole('button', { name: text.link.replace }).click();
    await desktop.page.getByRole('button', { name: text.link.copyCommand }).waitFor();
    await photograph(desktop, 'link-other-version-command');
  });

  it('refused', async () => {
    await photographLink(
      await Desktop.forTest({ root: rootWithClientConfig('', 0o644) }),
      'refused',
      text.link.refused.title,
    );
  });

  it('a start that failed', async () => {
    const desktop = await Desktop.forTest({ root: rootWithClientConfig('version: 1\n', 0o600) });
    await desktop.page.getByRole('button', { name: text.link.again }).click();
    await photographLink(desktop, 'start-failed', text.link['start-failed'].title);
  });

  it('silent, and starting', async () => {
    await asRoot('start-helper');
    await asRoot('freeze-helper');
    const desktop = await Desktop.forTest();
    await photographLink(desktop, 'connecting', text.link.connecting.title);
    await photographLink(desktop, 'silent', text.link.silent.title);
    await desktop.page.getByRole('button', { name: text.link.replace }).click();
    await photographLink(desktop, 'starting', text.link.starting.title);
  });

  it('lost in the middle of many', async () => {
    await asRoot('start-helper');
    using jobs = await Jobs.connect();
    await Promise.all(['train', 'eval'].map((name) => jobs.shell('sleep 1000', name)));
    const desktop = await Desktop.forTest();
    const { page } = desktop;
    await page.getByRole('row').filter({ hasText: 'eval' }).waitFor();
    await page.getByRole('grid').focus();
    await page.keyboard.press('Control+a');
    await asRoot('freeze-helper');
    await page.keyboard.press('s');
    await page.getByText(text.jobs.bulk.working.stop).waitFor();
    await photograph(desktop, 'jobs-stopping');
    await asRoot('kill-helper');
    await page.getByRole('dialog').waitFor();
    await photograph(desktop, 'jobs-stopping-lost');
    await asRoot('start-helper');
    await jobs.clear();
  });

  it('lost in the middle of a log that is written', async () => {
    await asRoot('start-helper');
    using jobs = await Jobs.connect();
    await jobs.shell('seq 3000000; sleep 1000', 'long log');
    const desktop = await Desktop.forTest();
    await desktop.openJob('long log');
    const { page } = desktop;
    await page.locator('.log-lines').getByText('3000000').waitFor();
    await asRoot('kill-helper');
    await page.getByText(text.terminal.interrupted).waitFor();
    await page.locator('.log-lines').click();
    await page.keyboard.press('Home');
    await photograph(desktop, 'log-lost');
    await asRoot('start-helper');
    await page.locator('.log-lines').getByText('1', { exact: true }).waitFor();
    await jobs.clear();
  });

  it('lost', async () => {
    await asRoot('start-helper');
    const desktop = await Desktop.forTest();
    await desktop.connected();
    await asRoot('kill-helper');
    await photographLink(desktop, 'lost', text.link.lost.title);
  });
});
