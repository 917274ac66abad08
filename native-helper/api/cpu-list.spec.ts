import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cpuListOf, cpuListSchema, cpusOf } from './cpu-list.ts';

const cpu = fc.nat(8191);
const range = fc
  .tuple(cpu, fc.nat(20))
  .map(([first, length]) => (length === 0 ? `${first}` : `${first}-${Math.min(8191, first + length)}`));
const list = fc.array(range, { minLength: 1, maxLength: 20 }).map((ranges) => ranges.join(','));

describe('a list of processors', () => {
  it('is the same set in the words of the kernel, and never longer', () => {
    fc.assert(
      fc.property(list, (typed) => {
        expect(cpuListSchema.safeParse(typed).success).toBe(true);
        const written = cpuListOf(cpusOf(typed));
        expect(cpusOf(written)).toEqual(cpusOf(typed));
        expect(written.length).toBeLessThanOrEqual(typed.length);
      }),
    );
  });

  it.each([
    ['0', '0'],
    ['0,1', '0-1'],
    ['3,1-2,2', '1-3'],
    ['8,0-3', '0-3,8'],
  ])('%s is written as %s', (typed, written) => {
    expect(cpuListOf(cpusOf(typed))).toBe(written);
  });
});
