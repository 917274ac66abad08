import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parsePastTime, parseStartTime } from './typed-time.ts';

const NOW = Date.parse('2026-03-01T12:00:00Z');

function microseconds(text: string): bigint | string {
  const time = parseStartTime(text, NOW);
  return 'fault' in time ? time.fault : time.value;
}

const inMs = (milliseconds: number) => BigInt(NOW + milliseconds) * 1000n;

describe('parseStartTime', () => {
  it.each([
    ['45s', 45_000],
    ['2h30m', 9_000_000],
    ['30min', 1_800_000],
    ['1h', 3_600_000],
    ['1d', 86_400_000],
    ['365d', 365 * 86_400_000],
    [' 1h 5s ', 3_605_000],
  ])('takes %s as a time from now', (text, milliseconds) => {
    expect(microseconds(text)).toBe(inMs(milliseconds));
  });

  it.each([
    ['2026-03-01T12:00:30Z', '2026-03-01T12:00:30Z'],
    ['2026-03-01T14:00:30.5+02:00', '2026-03-01T12:00:30.500Z'],
    ['2026-03-01t12:00:30z', '2026-03-01T12:00:30Z'],
    ['2026-03-02 08:30', '2026-03-02T08:30:00'],
    ['2026-03-02T08:30', '2026-03-02T08:30:00'],
    ['2026-03-02 08:30:15', '2026-03-02T08:30:15'],
    ['2020-01-01 00:00', '2020-01-01T00:00:00'],
  ])('takes %s as a time of the calendar', (text, time) => {
    expect(microseconds(text)).toBe(BigInt(Date.parse(time)) * 1000n);
  });

  it.each([
    '',
    'tomorrow',
    '5',
    '-5s',
    '1.5h',
    's',
    '2026-02-30 08:00',
    '2026-13-01 08:00',
    '2026-03-01',
    '12:00',
  ])('does not take %j', (text) => {
    expect(microseconds(text)).toMatch(/^is not a time/);
  });

  it.each(['366d', '8761h', '2027-03-02 12:00:00Z', '9999-01-01T00:00:00Z', '999999999d'])(
    'does not wait until %s',
    (text) => {
      expect(microseconds(text)).toBe('must be within a year');
    },
  );

  it('does not take no time at all for a time', () => {
    expect(microseconds('0s')).toBe('must be at least 1s from now');
    expect(microseconds('1970-01-01T00:00:00Z')).not.toBe(0n);
  });

  it('gives a number or a reason for whatever is typed', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const time = parseStartTime(text, NOW);
        expect('fault' in time || time.value > 0n).toBe(true);
      }),
    );
  });
});

it.each([
  ['10m', NOW - 600_000],
  ['2h30m', NOW - 9_000_000],
  ['0s', NOW],
  ['2026-01-31T08:30:00Z', Date.UTC(2026, 0, 31, 8, 30)],
  ['2099-01-01T00:00:00Z', Date.UTC(2099, 0, 1)],
])('of the past: %s', (typed, milliseconds) => {
  expect(parsePastTime(typed, NOW)).toEqual({ value: BigInt(milliseconds) * 1000n });
});

it.each(['', 'yesterday', '-5m', '5', '2026-02-31T00:00:00Z', 'NaN'])('no time of the past: %j', (typed) => {
  expect(parsePastTime(typed, NOW)).toEqual({ fault: expect.stringContaining('is not a time') });
});
