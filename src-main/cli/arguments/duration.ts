/** Lengths of time as users type them: `30s`, `5m`, `1h`, `2h30m`, `30min`, `500ms`. */
import { usageError } from '../errors.ts';

const DURATION = /^(?:(\d{1,12})h)?(?:(\d{1,12})(?:min|m(?!s)))?(?:(\d{1,12})s)?(?:(\d{1,12})ms)?$/;
const MILLISECONDS = [3_600_000n, 60_000n, 1000n, 1n] as const;

/**
 * Milliseconds. Each unit at most once, the largest first, whole numbers only.
 *
 * @param flag named in the error
 */
export function parseDuration(text: string, flag: string): bigint {
  const parts = DURATION.exec(text)?.slice(1);
  if (text === '' || parts === undefined) {
    throw usageError(
      flag,
      `'${text}' is not a length of time`,
      'Write whole numbers with units, such as 500ms, 30s, 5m or 2h30m.',
    );
  }
  return MILLISECONDS.reduce((sum, unit, index) => sum + BigInt(parts[index] ?? 0) * unit, 0n);
}

/** The shortest text that `parseDuration` reads back as the same number of milliseconds. */
export function formatDuration(milliseconds: bigint): string {
  const units = ['h', 'm', 's', 'ms'] as const;
  let rest = milliseconds;
  const parts = MILLISECONDS.map((unit, index) => {
    const count = rest / unit;
    rest %= unit;
    return count === 0n ? '' : `${count}${units[index]}`;
  });
  return parts.join('') || '0s';
}
