/** What a person sets stays set, and certificates are renewed by a button. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { clientConfigSchema } from '../../native-helper/api/config-schema.ts';
import { parseConfig } from '../../native-helper/api/config-text.ts';
import { clientConfigOf, pathsUnder } from '../../native-helper/api/paths.ts';
import { text } from '../../src-renderer/text.ts';
import { Desktop } from './desktop.ts';
import { surroundings } from './surroundings.ts';

const words = text.settings;

async function openSettings({ page }: Desktop): Promise<void> {
  await page.getByRole('navigation').getByRole('button', { name: text.pages.settings }).click();
  await page.getByRole('heading', { level: 1, name: text.pages.settings }).waitFor();
}

/** What the app shows itself with, as it stands in its user's configuration. */
function certificates(): { cert: string; ca: string } {
  const path = clientConfigOf(pathsUnder(surroundings().JOBLET_E2E_ROOT), process.getuid?.() ?? 0);
  const { nodes } = parseConfig(readFileSync(path, 'utf8'), clientConfigSchema, path);
  const [node] = Object.values(nodes);
  if (node === undefined) {
    throw new Error(`${path} names no node`);
  }
  return node;
}

const themeOf = ({ page }: Desktop) => page.locator('html').getAttribute('data-theme');

it('the look, what is told and the keys are the same after the next start', async () => {
  const first = await Desktop.start();
  const { page, userData } = first;
  try {
    await openSettings(first);
    await page.getByText(words.themes.contrast, { exact: true }).click();
    await page.getByText('150 %', { exact: true }).click();
    await page.getByText(words.notifications.none, { exact: true }).click();
    await page.getByRole('switch', { name: words.keepInTray }).click();
    await page.getByRole('button', { name: words.keys.change(text.actions.newJob) }).click();
    await page.keyboard.press('Control+Shift+Y');
    await expect.poll(() => themeOf(first)).toBe('contrast');
  } finally {
    await first.close();
  }
  const second = await Desktop.forTest({ userData });
  await openSettings(second);
  expect(await themeOf(second)).toBe('contrast');
  const isChosen = (name: string) => second.page.getByRole('radio', { name }).isChecked();
  expect([await isChosen('150 %'), await isChosen(words.notifications.none)]).toEqual([true, true]);
  expect(await second.page.getByRole('switch', { name: words.keepInTray }).isChecked()).toBe(false);
  await second.page.keyboard.press('Control+Shift+Y');
  await second.page.getByRole('heading', { level: 1, name: text.pages.new }).waitFor();
});

it.each([
  ['of its user', words.certificates.rotate, false],
  ['of the authority', words.certificates.rotateAuthority, true],
])(
  'the certificate %s is renewed, and the app goes on with the new one',
  async (_whose, button, isAuthority) => {
    const desktop = await Desktop.forTest();
    const { page } = desktop;
    await desktop.connected();
    const before = certificates();
    await openSettings(desktop);
    await page.getByRole('button', { name: button, exact: true }).click();
    await page
      .getByRole('dialog')
      .getByRole('button', { name: words.certificates.rotate, exact: true })
      .click();
    await page.getByText(words.certificates.rotated).waitFor();
    const after = certificates();
    expect(after.cert).not.toBe(before.cert);
    expect(after.ca !== before.ca).toBe(isAuthority);
    await desktop.connected();
    await page.getByRole('navigation').getByRole('button', { name: text.pages.doctor }).click();
    await page.getByText(text.doctor.verdicts.good).first().waitFor();
  },
);
