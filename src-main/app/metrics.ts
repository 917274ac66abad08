/** What each running job uses now: shares of a core from the differences of what the helper tells. */
import { setTimeout as delay } from 'node:timers/promises';
import type { JobMetrics } from '../../native-helper/api/gen/joblet_pb.js';
import { isInterruption } from '../client/index.ts';
import type { Metrics } from '../ipc/contract.ts';
import { everySecond } from './every-second.ts';
import type { Link } from './link.ts';
import type { Observable } from './observable.ts';

/** After a watch that ended, ms. */
const RETRY_MS = 1000;
/** A job that was not heard of for so long has ended. */
const FORGOTTEN_US = 3_000_000;

/** @param isSeen whether anybody can see the window: nothing is measured for nobody. */
export async function* streamMetrics(
  link: Link,
  isSeen: Observable<boolean>,
  signal: AbortSignal,
): AsyncGenerator<Metrics> {
  const table = new MetricsTable();
  let fault: unknown;
  keepReading(link, table, isSeen, signal).catch((error: unknown) => {
    fault = error;
  });
  for await (const _ of everySecond(isSeen, signal)) {
    if (fault !== undefined) {
      throw fault;
    }
    yield table.now(Date.now() * 1000);
  }
}

async function keepReading(
  link: Link,
  table: MetricsTable,
  isSeen: Observable<boolean>,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await isSeen.until((seen) => seen, signal);
    const hidden = new AbortController();
    using _ = isSeen.subscribe((seen) => seen || hidden.abort());
    try {
      const client = await link.connected(signal);
      for await (const metrics of client.jobs.watchMetrics(
        {},
        { signal: AbortSignal.any([signal, hidden.signal]) },
      )) {
        table.add(metrics);
      }
    } catch (error) {
      if (!signal.aborted && !hidden.signal.aborted && !isInterruption(error)) {
        throw error;
      }
    }
    await delay(RETRY_MS, undefined, { signal });
  }
}

type Line = Metrics[number];

/** The last of each job, and its share of a core since the one before. */
export class MetricsTable {
  readonly #last = new Map<
    string,
    { readonly timeUs: number; readonly cpuUs: number; readonly line: Line }
  >();

  add({ uuid, timeUs, cpuUserUs, cpuSystemUs, memoryBytes, pids }: JobMetrics): void {
    const before = this.#last.get(uuid);
    const now = { timeUs: Number(timeUs), cpuUs: Number(cpuUserUs + cpuSystemUs) };
    const passed = before === undefined ? 0 : now.timeUs - before.timeUs;
    const used = before === undefined ? 0 : Math.max(0, now.cpuUs - before.cpuUs);
    this.#last.set(uuid, {
      ...now,
      line: {
        uuid,
        cpuPercent: passed > 0 ? (used / passed) * 100 : 0,
        memoryBytes: memoryBytes === undefined ? null : Number(memoryBytes),
        pids: pids === undefined ? null : Number(pids),
      },
    });
  }

  /** @param nowUs microseconds since the epoch */
  now(nowUs: number): Metrics {
    for (const [uuid, { timeUs }] of this.#last) {
      if (nowUs - timeUs > FORGOTTEN_US) {
        this.#last.delete(uuid);
      }
    }
    return [...this.#last.values()].map(({ line }) => line);
  }
}
