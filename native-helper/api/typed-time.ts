/** Times as people type them: how far they are from now (`45s`, `2h30m`, `30min`), RFC 3339, or a local time `YYYY-MM-DD[T ]HH:MM[:SS]`. */

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const LONGEST_WAIT_MS = 365 * DAY_MS;

const FROM_NOW =
  /^(?:(\d{1,9})\s*d)?\s*(?:(\d{1,9})\s*h)?\s*(?:(\d{1,9})\s*m(?:in)?)?\s*(?:(\d{1,9})\s*s)?$/i;
const TIME = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(\.\d{1,9})?)?(Z|z|[+-]\d\d:\d\d)?$/;

/** µs since the epoch, or why there is none. */
export type TypedTime = { readonly value: bigint } | { readonly fault: string };

/**
 * A time of the past: a length of time is that long ago.
 *
 * @param nowMs since the epoch
 */
export function parsePastTime(typed: string, nowMs: number): TypedTime {
  const text = typed.trim();
  const length = waitOf(text);
  const time = length === undefined ? timeOf(text) : nowMs - length;
  if (time === undefined) {
    return {
      fault: 'is not a time; write 45s or 2h30m for so long ago, 2026-01-31 08:30 or 2026-01-31T08:30:00Z',
    };
  }
  // 0 stands for no time at all.
  return { value: BigInt(Math.max(1, time)) * 1000n };
}

/**
 * When a job is to start: in 1 s to 1 year; what is past means now.
 *
 * @param nowMs since the epoch
 */
export function parseStartTime(typed: string, nowMs: number): TypedTime {
  const text = typed.trim();
  const wait = waitOf(text);
  if (wait === 0) {
    return { fault: 'must be at least 1s from now' };
  }
  const time = wait === undefined ? timeOf(text) : nowMs + wait;
  if (time === undefined) {
    return { fault: 'is not a time; write 45s, 2h30m, 2026-01-31 08:30 or 2026-01-31T08:30:00Z' };
  }
  if (time - nowMs > LONGEST_WAIT_MS) {
    return { fault: 'must be within a year' };
  }
  // 0 stands for no time at all.
  return { value: BigInt(Math.max(1, time)) * 1000n };
}

/** Milliseconds; undefined: it is no length of time. */
function waitOf(text: string): number | undefined {
  const parts = text === '' ? undefined : FROM_NOW.exec(text)?.slice(1);
  const units = [DAY_MS, HOUR_MS, MINUTE_MS, 1000];
  return parts && units.reduce((sum, unit, index) => sum + Number(parts[index] ?? 0) * unit, 0);
}

/** Date takes the 31st of February for the 3rd of March, so what it made of the text is compared with it. */
function timeOf(text: string): number | undefined {
  const [, year, month, day, hour, minute, second = '00', fraction = '', zone] = TIME.exec(text) ?? [];
  if (year === undefined || !isDate(Number(year), Number(month), Number(day))) {
    return undefined;
  }
  const local = `${year}-${month}-${day}T${hour}:${minute}:${second}${fraction.slice(0, 4)}`;
  const milliseconds = Date.parse(`${local}${zone?.toUpperCase() ?? ''}`);
  return Number.isNaN(milliseconds) ? undefined : milliseconds;
}

function isDate(year: number, month: number, day: number): boolean {
  const date = new Date(Date.UTC(year, month - 1, day));
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}
