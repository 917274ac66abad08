import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { namesOf, staysInside } from './file-path.ts';

describe('the names of a path', () => {
  it('are what it is made of', () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[^/\0]{1,8}$/), { maxLength: 8 }), (names) => {
        const isPlain = names.every((name) => name !== '.' && name !== '..');
        const split = () => namesOf(Buffer.from(names.join('/'))).map(String);
        isPlain ? expect(split()).toEqual(names) : expect(split).toThrow('is not a path below /work');
      }),
    );
  });

  it.each([
    '/',
    '/etc',
    'a/',
    'a//b',
    '..',
    'a/../b',
    '.',
    './a',
    'a\0b',
    '../../etc/passwd',
    'a/'.repeat(40_000),
  ])('%j is refused', (path) => {
    expect(() => namesOf(Buffer.from(path))).toThrow('is not a path below /work');
  });
});

describe('a link that stays inside', () => {
  it('leads nowhere else, whatever other links there are', () => {
    const name = fc.constantFrom('a', 'b', 'c', '..', '.', '');
    const target = fc.array(name, { minLength: 1, maxLength: 5 }).map((names) => names.join('/'));
    const place = fc.constantFrom('a', 'b', 'c', 'd/a', 'd/b', 'd/e/a', 'd/e/b');
    fc.assert(
      fc.property(fc.dictionary(place, target), (links) => {
        const top = mkdtempSync(join(tmpdir(), 'joblet-link-'));
        try {
          mkdirSync(join(top, 'd/e'), { recursive: true });
          for (const [path, leadsTo] of Object.entries(links)) {
            if (leadsTo !== '' && staysInside(Buffer.from(leadsTo), path.split('/').length - 1)) {
              symlinkSync(leadsTo, join(top, path));
            }
          }
          for (const path of Object.keys(links)) {
            expect(`${endOf(join(top, path)) ?? top}/`.startsWith(`${top}/`)).toBe(true);
          }
        } finally {
          rmSync(top, { recursive: true });
        }
      }),
      { numRuns: 200 },
    );
  });

  it.each([
    ['/etc/passwd', 3],
    ['..', 0],
    ['a/..', 3],
    ['../../x', 1],
    ['', 3],
  ])('%j at depth %d is none', (target, depth) => {
    expect(staysInside(Buffer.from(target), depth)).toBe(false);
  });

  it.each([
    ['a/b', 0],
    ['..', 1],
    ['../../x', 2],
  ])('%j at depth %d is one', (target, depth) => {
    expect(staysInside(Buffer.from(target), depth)).toBe(true);
  });
});

/** Undefined: it leads to nothing, or in a circle. */
function endOf(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}
