/**
 * `npm run fault [-- VITEST-ARGUMENTS]`: the fault suite, in namespaces of its own, so that what is left of it is its own. Its size
 * is that of `size.ts`; the command asks for the whole one.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { isEnclosed, runEnclosed } from '../leakcheck/enclosure.ts';

const CHECKOUT = resolve(import.meta.dirname, '../..');
const VITEST = join(CHECKOUT, 'node_modules/vitest/vitest.mjs');

async function runTests(): Promise<number> {
  const argv = [VITEST, 'run', '--project', 'fault', ...process.argv.slice(2)];
  const [code] = (await once(spawn(process.execPath, argv, { cwd: CHECKOUT, stdio: 'inherit' }), 'exit')) as [
    number | null,
  ];
  return code ?? 1;
}

process.exitCode = isEnclosed() ? await runTests() : await runEnclosed();
