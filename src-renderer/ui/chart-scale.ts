/** The scales of a chart, in steps that people count in. */

/**
 * The least round number that is not below `value`: 1, 2 or 5 times a power of ten, or of bytes a power of two.
 *
 * @param value above 0
 */
export function roundTop(value: number, isBytes: boolean): number {
  if (isBytes) {
    return 2 ** Math.ceil(Math.log2(value));
  }
  const power = 10 ** Math.floor(Math.log10(value));
  // Of 0.3 the power is 0.1, and 0.1 × 3 more than 0.3.
  const least = value / power - 1e-9;
  return power * ([1, 2, 5].find((step) => step >= least) ?? 10);
}

const MINUTES_WITH_SECONDS = 10;

/** `14:03`, and with the seconds where little time is shown. @param seconds since the epoch */
export function clockTimes(seconds: readonly number[]): string[] {
  const [first = 0, last = 0] = [seconds[0], seconds.at(-1)];
  const two = (number: number) => String(number).padStart(2, '0');
  return seconds.map((second) => {
    const time = new Date(second * 1000);
    const parts = [time.getHours(), time.getMinutes()];
    return [...parts, ...(last - first < MINUTES_WITH_SECONDS * 60 ? [time.getSeconds()] : [])]
      .map(two)
      .join(':');
  });
}
