import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { makeSingleExecutable } from './single-executable.ts';

/** Large enough that V8's order of things in it is not the same by chance. */
const BUNDLE = Array.from(
  { length: 200 },
  (_, index) => `function f${index}() { return 'name${index}'; }`,
).join('\n');

const folders: string[] = [];
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))));

async function makeInItsOwnFolder(): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), 'joblet-build-'));
  folders.push(folder);
  const bundle = join(folder, 'bundle.cjs');
  const executor = join(folder, 'executor');
  await writeFile(bundle, BUNDLE);
  await writeFile(executor, 'the executor');
  const output = join(folder, 'joblet-helper');
  await makeSingleExecutable(output, { bundle, executor });
  return readFile(output);
}

it('is the same, byte for byte, in whichever folder it is made', async () => {
  const [one, other] = [await makeInItsOwnFolder(), await makeInItsOwnFolder()];
  expect(one.equals(other)).toBe(true);
}, 60_000);
