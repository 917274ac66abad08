import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatMemorySize, megabytes, parseMemorySize } from './size.ts';

describe('parseMemorySize', () => {
  it.each([
    ['256', 268_435_456n],
    ['256MB', 268_435_456n],
    ['8GB', 8_589_934_592n],
    ['8gb', 8_589_934_592n],
    ['64KB', 65_536n],
    ['18446744073709551616', 19_342_813_113_834_066_795_298_816n],
  ])('reads %s as bytes', (text, bytes) => {
    expect(parseMemorySize(text, '--max-memory')).toBe(bytes);
  });

  it.each(['', '-1', '1.5GB', '1e400', 'NaN', 'Infinity', '8 GB', '8G', 'GB', '0x10', '9'.repeat(41)])(
    'refuses %j',
    (text) => {
      expect(() => parseMemorySize(text, '--max-memory')).toThrow(/^--max-memory: .* is not a size/);
    },
  );

  it('reads back what formatMemorySize writes in KB and MB', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 52n }), (kilobytes) => {
        const text = formatMemorySize(kilobytes * 1024n);
        expect(parseMemorySize(text.replace(' ', ''), '')).toBe(kilobytes * 1024n);
      }),
    );
  });
});

describe('megabytes', () => {
  it('is whole where it can be', () => {
    expect(megabytes(268_435_456n)).toBe(256n);
    expect(megabytes(1_572_864n)).toBe(1.5);
  });
});
