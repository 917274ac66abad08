/** A test fails whose pages threw what nothing caught. Of each that fails: what its windows showed and what the app wrote down, in dist/test-logs/e2e. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect } from 'vitest';
import { Desktop } from './desktop.ts';

const FOLDER = join(import.meta.dirname, '../../dist/test-logs/e2e');

afterEach(async ({ task }) => {
  const errors = Desktop.takePageErrors();
  if (errors.length === 0 && task.result?.state !== 'fail') {
    return;
  }
  mkdirSync(FOLDER, { recursive: true });
  for (const [index, desktop] of [...Desktop.open].entries()) {
    const path = join(FOLDER, `${task.name.replaceAll(/\W+/g, '-')}-${index}`);
    writeFileSync(`${path}.log`, desktop.log);
    await desktop.page.screenshot({ path: `${path}.png`, timeout: 5000 });
  }
  expect(errors, 'the page threw').toEqual([]);
});
