import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatBytesExactly,
  formatDurationExactly,
  formatPercentExactly,
  parseBytes,
  parseDuration,
  parsePercent,
  parseWhole,
} from './units.ts';

const MB = 1024n ** 2n;

describe('sizes', () => {
  it.each([
    ['512', 512n * MB],
    ['512 MB', 512n * MB],
    ['512m', 512n * MB],
    ['1.5 GB', 1536n * MB],
    ['1,5gib', 1536n * MB],
    ['2T', 2n * 1024n ** 4n],
    ['64 KB', 65_536n],
    ['4096 B', 4096n],
    ['4096 bytes', 4096n],
    ['0.0000001 KB', undefined],
  ])('%s', (typed, bytes) => {
    expect(parseBytes(typed)).toEqual(bytes === undefined ? { fault: expect.any(String) } : { value: bytes });
  });

  it.each(['', '-1', 'GB', '1e9', '1.5.5 GB', '5 XB', '1 GBB', '0x10', '∞'])('refuses %j', (typed) => {
    expect(parseBytes(typed)).toHaveProperty('fault');
  });

  it('reads back what it writes', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 62n }), (bytes) => {
        expect(parseBytes(formatBytesExactly(bytes))).toEqual({ value: bytes });
      }),
    );
  });
});

describe('times', () => {
  it.each([
    ['30', 30_000n],
    ['30s', 30_000n],
    ['5m', 300_000n],
    ['5 min', 300_000n],
    ['500ms', 500n],
    ['2h30m', 9_000_000n],
    ['2h 30m', 9_000_000n],
    ['1d 1ms', 86_400_001n],
  ])('%s', (typed, milliseconds) => {
    expect(parseDuration(typed)).toEqual({ value: milliseconds });
  });

  it.each(['', ' ', 'h', '-5s', '1.5h', '5m 2h', '5 s s', '1w', '1e3'])('refuses %j', (typed) => {
    expect(parseDuration(typed)).toHaveProperty('fault');
  });

  it('reads back what it writes', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 31_536_000_000n }), (milliseconds) => {
        expect(parseDuration(formatDurationExactly(milliseconds))).toEqual({ value: milliseconds });
      }),
    );
  });
});

describe('shares', () => {
  it.each([
    ['150', 150],
    ['150 %', 150],
    ['150%', 150],
    ['1.5 cores', 150],
    ['1 core', 100],
    ['0,25 cores', 25],
  ])('%s', (typed, percent) => {
    expect(parsePercent(typed)).toEqual({ value: percent });
  });

  it.each(['', '1.5', '1.5 %', '-1', 'all', '1.234 cores'])('refuses %j', (typed) => {
    expect(parsePercent(typed)).toHaveProperty('fault');
  });

  it('reads back what it writes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 409_600 }), (percent) => {
        expect(parsePercent(formatPercentExactly(percent))).toEqual({ value: percent });
      }),
    );
  });
});

describe('whole numbers', () => {
  it.each([
    ['64', 64n],
    ['4 194 304', 4_194_304n],
    ['1,000', 1000n],
  ])('%s', (typed, value) => {
    expect(parseWhole(typed)).toEqual({ value });
  });

  it.each(['', '1.5', '-1', '1,00', '1e3', '10 00'])('refuses %j', (typed) => {
    expect(parseWhole(typed)).toHaveProperty('fault');
  });
});
