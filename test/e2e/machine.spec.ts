/** The page of the machine when it can't be measured. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { text } from '../../src-renderer/text.ts';
import { Desktop } from './desktop.ts';
import { photograph } from './screens.ts';

it('says why it can not be measured, and measures again when it is asked to', async () => {
  const root = mkdtempSync(join(tmpdir(), 'loop-'));
  const state = join(root, 'var/lib/joblet');
  mkdirSync(join(root, 'var/lib'), { recursive: true });
  symlinkSync(state, state);
  const desktop = await Desktop.forTest({ root });
  const { page } = desktop;
  await page.getByRole('navigation').getByRole('button', { name: text.pages.machine }).click();
  const main = page.getByRole('main');
  await main.getByText(text.machine.unmeasured).waitFor();
  expect(await main.textContent()).toContain('ELOOP');
  await photograph(desktop, 'machine-unmeasured');
  rmSync(state);
  await main.getByRole('button', { name: text.machine.again }).click();
  await main.getByText(text.machine.disk, { exact: true }).waitFor();
  expect(await main.getByText(text.machine.unmeasured).count()).toBe(0);
});
