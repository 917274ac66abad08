import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clockTimes, roundTop } from './chart-scale.ts';

describe('roundTop', () => {
  it.each([
    [1, 1],
    [1.1, 2],
    [3, 5],
    [36, 50],
    [99, 100],
    [187, 200],
    [0.3, 0.5],
  ])('of %d is %d', (value, top) => {
    expect(roundTop(value, false)).toBeCloseTo(top, 10);
  });

  it('of bytes is a power of two', () => {
    expect(roundTop(3 * 2 ** 20, true)).toBe(4 * 2 ** 20);
    expect(roundTop(2 ** 20, true)).toBe(2 ** 20);
  });

  it('is never below, and never five times too much', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-3, max: 1e15, noNaN: true }), fc.boolean(), (value, isBytes) => {
        const top = roundTop(value, isBytes);
        expect(top).toBeGreaterThanOrEqual(value * (1 - 1e-6));
        expect(top).toBeLessThan(value * 3);
      }),
    );
  });
});

describe('clockTimes', () => {
  const at = (hours: number, minutes: number, seconds: number) =>
    new Date(2026, 10, 26, hours, minutes, seconds).getTime() / 1000;

  it('tells seconds only where little time is shown', () => {
    expect(clockTimes([at(3, 29, 5), at(3, 30, 0)])).toEqual(['03:29:05', '03:30:00']);
    expect(clockTimes([at(3, 29, 0), at(14, 30, 0)])).toEqual(['03:29', '14:30']);
    expect(clockTimes([])).toEqual([]);
  });
});
