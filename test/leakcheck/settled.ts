/** Censuses of a machine on which the last jobs are still on their way out. */
import { setTimeout as delay } from 'node:timers/promises';
import { type Census, type Leak, leaksBetween, type Places, takeCensus } from './census.ts';

/** The kernel ends processes, and frees keys, some time after it was told to. */
const SETTLE_MS = 15_000;
/** Nothing has gone for so long: nothing will. */
const CALM_MS = 500;
const POLL_MS = 100;

/** One in which nothing is still on its way out: what goes after it would make room for a leak. */
export async function calmCensus(places: () => Places): Promise<Census> {
  const deadline = Date.now() + SETTLE_MS;
  for (;;) {
    const earlier = takeCensus(places());
    await delay(CALM_MS);
    const later = takeCensus(places());
    if (leaksBetween(later, earlier).length === 0 || Date.now() > deadline) {
      return later;
    }
  }
}

/** Compares again and again until `enough`, but not for ever. @returns the last comparison. */
export async function settle(
  before: Census,
  places: () => Places,
  enough: (leaks: readonly Leak[]) => boolean,
): Promise<readonly Leak[]> {
  const deadline = Date.now() + SETTLE_MS;
  for (;;) {
    const leaks = leaksBetween(before, takeCensus(places()));
    if (enough(leaks) || Date.now() > deadline) {
      return leaks;
    }
    await delay(POLL_MS);
  }
}
