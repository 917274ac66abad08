import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { JobletError } from '../../native-helper/api/errors.ts';
import { resuming } from './resume.ts';

// The waits between attempts come to minutes.
vi.mock('node:timers/promises', () => ({ setTimeout: () => Promise.resolve() }));

const RESTARTS = 100;

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

/** Follows a stream that breaks off so often before it has something to yield. */
async function follow(operation: string, lifeMs: number): Promise<string[]> {
  let restarts = 0;
  const stream = resuming(
    new AbortController().signal,
    () => undefined,
    async function* () {
      if (restarts < RESTARTS) {
        restarts += 1;
        vi.advanceTimersByTime(lifeMs);
        throw interruption(operation);
      }
      yield 'the end';
    },
  );
  const values: string[] = [];
  for await (const value of stream) {
    values.push(value);
  }
  return values;
}

function interruption(operation: string): JobletError {
  const details = { layer: 'transport', operation, object: '', reason: 'it went away', mend: '' };
  return new JobletError('unavailable', details);
}

it('goes on over any number of restarts of a helper, though it has nothing to tell', async () => {
  expect(await follow('GetLogs', 60_000)).toEqual(['the end']);
});

it.each([
  ['ends each call at once', 'GetLogs', 5],
  ['is not there', 'connect', 5],
  ['hangs', 'connect', 60_000],
])('gives up on a helper that %s', async (_, operation, lifeMs) => {
  await expect(follow(operation, lifeMs)).rejects.toThrow('it went away');
});
