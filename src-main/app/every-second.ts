/** Ticks for what is measured while somebody looks. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Observable } from './observable.ts';

const PERIOD_MS = 1000;

/**
 * Ends when the signal is aborted. Nothing ticks while the window can't be seen; a reader that takes longer than a second
 * delays the next tick, and none are made up for.
 */
export async function* everySecond(isSeen: Observable<boolean>, signal: AbortSignal): AsyncGenerator<void> {
  while (!signal.aborted) {
    yield;
    await delay(PERIOD_MS, undefined, { signal }).catch(() => undefined);
    await isSeen.until((seen) => seen, signal).catch(() => undefined);
  }
}
