import { setTimeout as delay } from 'node:timers/promises';

/**
 * The same items, and undefined each time that so many ms have gone by while the next was waited for. Leaving them does not end
 * `items`, which may wait for long: who made them does.
 */
export async function* withPauses<Item>(
  items: AsyncIterable<Item>,
  everyMs: number,
): AsyncGenerator<Item | undefined> {
  const iterator = items[Symbol.asyncIterator]();
  let next = iterator.next();
  try {
    for (;;) {
      const waiting = new AbortController();
      const pause = delay(everyMs, undefined, { signal: waiting.signal }).catch(() => undefined);
      const result = await Promise.race([next, pause]);
      waiting.abort();
      if (result?.done) {
        return;
      }
      yield result?.value;
      if (result !== undefined) {
        next = iterator.next();
      }
    }
  } finally {
    next.catch(() => undefined);
  }
}
