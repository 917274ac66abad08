/** Times and lengths of time as text. Times on the wire are microseconds since the Unix epoch; 0 means "not yet". */

const TWO_DIGITS = (value: number): string => String(value).padStart(2, '0');

/** `YYYY-MM-DD HH:MM:SS` in the local time zone, or `-` for "not yet". */
export function localTime(microseconds: bigint): string {
  if (microseconds === 0n) {
    return '-';
  }
  const time = new Date(Number(microseconds / 1000n));
  const date = [time.getFullYear(), TWO_DIGITS(time.getMonth() + 1), TWO_DIGITS(time.getDate())].join('-');
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map(TWO_DIGITS).join(':');
  return `${date} ${clock}`;
}

/** `HH:MM:SS.mmm` in the local time zone. */
export function timeOfDay(microseconds: bigint): string {
  const time = new Date(Number(microseconds / 1000n));
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map(TWO_DIGITS).join(':');
  return `${clock}.${String(time.getMilliseconds()).padStart(3, '0')}`;
}

/** RFC 3339 in UTC with microseconds, or the empty string for "not yet". */
export function rfc3339(microseconds: bigint): string {
  if (microseconds === 0n) {
    return '';
  }
  const toMilliseconds = new Date(Number(microseconds / 1000n)).toISOString().slice(0, -1);
  return `${toMilliseconds}${String(microseconds % 1000n).padStart(3, '0')}Z`;
}

/** How long something took: `0.042s`, `12.300s`, `5m3s`, `2h0m7s`. */
export function elapsed(microseconds: bigint): string {
  const milliseconds = microseconds / 1000n;
  if (milliseconds < 60_000n) {
    return `${milliseconds / 1000n}.${String(milliseconds % 1000n).padStart(3, '0')}s`;
  }
  const seconds = milliseconds / 1000n;
  const minutes = seconds / 60n;
  return minutes < 60n
    ? `${minutes}m${seconds % 60n}s`
    : `${minutes / 60n}h${minutes % 60n}m${seconds % 60n}s`;
}
