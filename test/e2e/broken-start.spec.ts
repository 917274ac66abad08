/** What a person sees of an app that can't begin. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text as readAll } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { text } from '../../src-main/app/text.ts';
import { surroundings } from './surroundings.ts';

const CHECKOUT = resolve(import.meta.dirname, '../..');

it('the reason, and no process that nobody sees', async () => {
  const { ELECTRON_OVERRIDE_DIST_PATH, JOBLET_E2E_ROOT } = surroundings();
  const data = mkdtempSync(join(tmpdir(), 'data-'));
  mkdirSync(join(data, 'app.log'));
  const argv = [CHECKOUT, `--root=${JOBLET_E2E_ROOT}`, `--user-data-dir=${data}`];
  const app = spawn(join(ELECTRON_OVERRIDE_DIST_PATH, 'electron'), argv, {
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: 20_000,
  });
  const [[code], words] = await Promise.all([once(app, 'exit'), readAll(app.stderr)]);
  expect(words).toContain(text.dialogs.notStarted);
  expect(words).toContain('EISDIR');
  expect(code).toBe(1);
});
