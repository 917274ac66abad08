import { usageError } from '../errors.ts';
import { formatDuration, parseDuration } from './duration.ts';
import { parseWholeNumber } from './number.ts';

interface Retry {
  readonly attempts: number;
  readonly delayMs: bigint;
  readonly backoff: number;
}

/** `3`, `3:10s`, `3:10s:2`: how many more attempts, the time before each, and how many times the one before each time is. */
export function parseRetry(text: string): Retry {
  const [attempts = '', delay, backoff, ...rest] = text.split(':');
  if (rest.length > 0) {
    throw usageError('--retry', `'${text}' has too many parts`, 'Write N, N:TIME or N:TIME:FACTOR.');
  }
  const retry = {
    attempts: Number(parseWholeNumber(attempts, '--retry')),
    delayMs: delay === undefined ? 0n : parseDuration(delay, '--retry'),
    backoff: backoff === undefined ? 0 : Number(parseWholeNumber(backoff, '--retry')),
  };
  if (retry.attempts === 0) {
    throw usageError('--retry', 'must be at least 1', 'Leave it out for one attempt only.');
  }
  return retry;
}

/** What `parseRetry` reads back as the same; empty for none. */
export function formatRetry({ attempts, delayMs, backoff }: Retry): string {
  if (attempts === 0) {
    return '';
  }
  const parts = [String(attempts), formatDuration(delayMs), String(backoff)];
  return parts.slice(0, backoff > 1 ? 3 : delayMs > 0n ? 2 : 1).join(':');
}
