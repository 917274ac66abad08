/** Every screen and state, in pictures (dist/screenshots) and before axe. `npm run screenshots` runs just this. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'vitest';
import { clientConfigOf, pathsUnder } from '../../native-helper/api/paths.ts';
import { text } from '../../src-renderer/text.ts';
import { order } from './control.ts';
import { Desktop } from './desktop.ts';
import type { Jobs } from './jobs.ts';
import { openForAll } from './open-for-all.ts';
import { LIGHT_AND_DARK, photograph } from './screens.ts';
import { surroundings } from './surroundings.ts';

const { JOBLET_E2E_CONTROL } = surroundings();
const asRoot = (name: Parameters<typeof order>[1]) => order(JOBLET_E2E_CONTROL, name);
const emptyRoot = () => mkdtempSync(join(tmpdir(), 'empty-'));

/** An installation whose client configuration others can read, too. */
function rootWithOpenKey(): string {
  const paths = pathsUnder(emptyRoot());
  mkdirSync(paths.clientConfigDirectory, { recursive: true });
  writeFileSync(clientConfigOf(paths, process.getuid?.() ?? 0), '', { mode: 0o644 });
  return paths.root;
}

const PAGES = ['jobs', 'new', 'machine', 'doctor', 'settings'] as const;

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
  await page.mouse.move(0, 0);
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
      jobs.run({ name: 'lint', command: 'true' }),
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
    await page.locator('.xterm-rows').getByText('link failed').waitFor();
    await photograph(desktop, 'job-output', {
      ...LIGHT_AND_DARK,
      contrast: { theme: 'contrast' },
      'light-200': { theme: 'light', scale: 200 },
    });
    await page.keyboard.press('Control+F');
    await page.getByRole('search').getByRole('textbox').fill('un|link');
    await page.getByRole('search').getByRole('button', { name: text.terminal.regex }).click();
    await page.getByText(/^\d of 2\b/).waitFor();
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
  });

  it('a form with faults, and presets', async () => {
    const { page } = desktop;
    await go(desktop, 'new');
    await page.getByRole('textbox', { name: text.newJob.fields['limits.memoryBytes'].label }).fill('much');
    await page.keyboard.press('Control+Enter');
    await page.getByText(text.newJob.faults(2)).waitFor();
    await photograph(desktop, 'new-faults');
    await page.getByRole('button', { name: text.newJob.clear }).click();
    await page.keyboard.press('Control+P');
    await page.getByRole('dialog').waitFor();
    await photograph(desktop, 'new-presets');
    await page.keyboard.press('Escape');
  });

  it.each(['new', 'machine', 'doctor', 'settings'] as const)('%s', async (name) => {
    await go(desktop, name);
    await photograph(desktop, name);
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
      await Desktop.forTest({ root: rootWithOpenKey() }),
      'refused',
      text.link.refused.title,
    );
  });

  it('lost', async () => {
    await asRoot('start-helper');
    const desktop = await Desktop.forTest();
    await desktop.connected();
    await asRoot('kill-helper');
    await photographLink(desktop, 'lost', text.link.lost.title);
  });
});
