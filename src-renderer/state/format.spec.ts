import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatBytes, formatDuration, formatPercent, formatRoughly, formatTime } from './format.ts';

describe('formatBytes', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '0.98 KiB'],
    [1024, '1.00 KiB'],
    [10_239, '10.0 KiB'],
    [1_048_576, '1.00 MiB'],
    [1_500_000_000, '1.40 GiB'],
    [2 ** 50, '1.00 PiB'],
  ])('%d is %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

  it('is never longer than three digits and a unit', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 52 }), (bytes) => {
        expect(formatBytes(bytes)).toMatch(/^(\d{1,3}|\d\.\d\d|\d\d\.\d) (B|[KMGTP]iB)$/);
      }),
    );
  });
});

describe('formatPercent', () => {
  it.each([
    [0, '0 %'],
    [0.2, '<1 %'],
    [99.6, '100 %'],
    [640, '640 %'],
  ])('%d is %s', (percent, text) => expect(formatPercent(percent)).toBe(text));
});

describe('formatDuration', () => {
  it.each([
    [0, '0.0 s'],
    [0.44, '0.4 s'],
    [9.94, '9.9 s'],
    [9.97, '10 s'],
    [59.4, '59 s'],
    [60, '1 min'],
    [185, '3 min 5 s'],
    [7440, '2 h 4 min'],
    [86_399, '23 h 59 min'],
    [90_000, '1 d 1 h'],
  ])('%d seconds are %s', (seconds, text) => expect(formatDuration(seconds * 1_000_000)).toBe(text));
});

describe('formatRoughly', () => {
  it.each([
    [7440, '2 h'],
    [185, '3 min'],
    [5, '5.0 s'],
  ])('%d seconds are %s', (seconds, text) => expect(formatRoughly(seconds * 1_000_000)).toBe(text));
});

describe('formatTime', () => {
  it('shows a time that has not come as a dash', () => expect(formatTime(0)).toBe('–'));
  it('is the local time to the second', () => {
    expect(formatTime(new Date(2026, 0, 2, 3, 4, 5).getTime() * 1000)).toBe('2026-01-02 03:04:05');
  });
});
