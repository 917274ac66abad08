import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDuration, parseDuration } from './duration.ts';

describe('parseDuration', () => {
  it.each([
    ['30s', 30_000n],
    ['5m', 300_000n],
    ['1h', 3_600_000n],
    ['2h30m', 9_000_000n],
    ['30min', 1_800_000n],
    ['1m500ms', 60_500n],
    ['500ms', 500n],
    ['0s', 0n],
  ])('reads %s', (text, milliseconds) => {
    expect(parseDuration(text, '--timeout')).toBe(milliseconds);
  });

  it.each([
    '',
    ' ',
    '5',
    '-5s',
    '1.5h',
    '1e3s',
    'NaN',
    '5 s',
    '5S',
    's',
    '5s5m',
    '5s5s',
    '9999999999999s',
    '५s',
  ])('refuses %j and names the flag', (text) => {
    expect(() => parseDuration(text, '--timeout')).toThrow(/^--timeout: .* is not a length of time/);
  });

  it('reads back what formatDuration writes', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 15n }), (milliseconds) => {
        expect(parseDuration(formatDuration(milliseconds), '')).toBe(milliseconds);
      }),
    );
  });
});
