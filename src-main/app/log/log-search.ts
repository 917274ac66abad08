/** A search in a log for the viewer: how many lines match, and about where; then each part of them exactly, when it is looked at. */
import { setTimeout as delay } from 'node:timers/promises';
import { isInterruption } from '../../client/index.ts';
import {
  LOG_PLACES,
  type LogMatches,
  type RequestPayload,
  type Response,
  type StreamPayload,
} from '../../ipc/contract.ts';
import type { Link } from '../link.ts';
import { Observable } from '../observable.ts';
import { acrossLosses } from './across-losses.ts';
import { LogHistogram } from './log-histogram.ts';
import { LOG_STREAMS } from './log-streams.ts';

/** Between two tellings: faster than anybody reads numbers. */
const TOLD_EVERY_MS = 150;

type SearchRequest = StreamPayload<'log.search'>;

/** Begins anew when the helper went away: what a search has found is in no one's hands but ours. */
export async function* streamSearch(
  link: Link,
  request: SearchRequest,
  signal: AbortSignal,
): AsyncGenerator<LogMatches> {
  while (!signal.aborted) {
    const client = await link.connected(signal);
    const leaving = new AbortController();
    const searching = AbortSignal.any([signal, leaving.signal]);
    try {
      const places = client.jobs.getLogs(placesOf(request), { signal: searching });
      yield* tell(places, searching);
      return;
    } catch (error) {
      if (signal.aborted || !isInterruption(error)) {
        throw error;
      }
      await link.afterLossOf(client, signal);
    } finally {
      leaving.abort();
    }
  }
}

/** A search reads on whether or not the window has taken what was found. */
async function* tell(
  places: AsyncIterable<{ readonly offset: bigint; readonly lineOffsets: readonly bigint[] }>,
  signal: AbortSignal,
): AsyncGenerator<LogMatches> {
  const histogram = new LogHistogram();
  const progress = new Observable({ searchedBytes: 0, isOver: false });
  const searching = (async () => {
    for await (const { offset, lineOffsets } of places) {
      for (const place of lineOffsets) {
        histogram.add(Number(place));
      }
      progress.set({ searchedBytes: Number(offset), isOver: false });
    }
    progress.set({ ...progress.value, isOver: true });
  })();
  const failed = searching.then(() => new Promise<never>(() => {}));
  failed.catch(() => undefined);
  for (let told: typeof progress.value | undefined; told?.isOver !== true; ) {
    const before = told;
    told = await Promise.race([progress.until((value) => value !== before, signal), failed]);
    yield { ...histogram.matches, ...told };
    if (!told.isOver) {
      await delay(TOLD_EVERY_MS, undefined, { signal });
    }
  }
}

/** Exactly, of a part: in which a viewer goes from one to the next. */
export function countMatches(
  link: Link,
  { from, to, ...search }: RequestPayload<'log.count'>,
  signal: AbortSignal,
): Promise<Response<'log.count'>> {
  return acrossLosses(link, signal, async ({ jobs }) => {
    const found: Response<'log.count'> = { count: 0, places: [], last: null };
    if (to <= from) {
      return found;
    }
    const part = { ...placesOf(search), offset: BigInt(from), endOffset: BigInt(to), follow: false };
    for await (const { lineOffsets } of jobs.getLogs(part, { signal })) {
      found.count += lineOffsets.length;
      found.places.push(...lineOffsets.slice(0, LOG_PLACES - found.places.length).map(Number));
      const last = lineOffsets.at(-1);
      found.last = last === undefined ? found.last : Number(last);
    }
    return found;
  });
}

function placesOf({ uuid, stream, pattern }: SearchRequest) {
  return { id: uuid, stream: LOG_STREAMS[stream], pattern, placesOnly: true, follow: true };
}
