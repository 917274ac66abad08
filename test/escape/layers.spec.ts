/** Every layer that the weak executor can leave out has a test that gets out without it, and no test names another. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const EXECUTOR = join(import.meta.dirname, '../../native-helper/executor');

function textsIn(folder: string, ending: string): string {
  return readdirSync(folder)
    .filter((name) => name.endsWith(ending))
    .map((name) => readFileSync(join(folder, name), 'utf8'))
    .join('\n');
}

function namesIn(text: string, pattern: RegExp): string[] {
  return [...new Set([...text.matchAll(pattern)].map((match) => match[1] ?? ''))].sort();
}

it('covers every layer of the executor', () => {
  const tested = namesIn(textsIn(import.meta.dirname, '.spec.ts'), /layer: '([a-z-]+)',/g);
  expect(tested).toEqual(namesIn(textsIn(EXECUTOR, '.c'), /LAYER\("([a-z-]+)"\)/g));
});
