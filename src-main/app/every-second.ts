/** Ticks for what is measured while somebody looks. */
import { setTimeout as delay } from 'node:timers/promises';

const PERIOD_MS = 1000;

/** Ends when the signal is aborted. A reader that takes longer than a second delays the next tick; none are made up for. */
export async function* everySecond(signal: AbortSignal): AsyncGenerator<void> {
  while (!signal.aborted) {
    yield;
    await delay(PERIOD_MS, undefined, { signal }).catch(() => undefined);
  }
}
