/** What running jobs use, read from their cgroups while somebody watches. */
import { setTimeout as delay } from 'node:timers/promises';
import { JobletError } from '../../../api/errors.ts';
import type { JobMetrics } from '../../../api/gen/joblet_pb.js';
import type { CgroupUsage } from '../../../kernel/cgroup.ts';
import { metricsOf } from './message.ts';

const DEFAULT_INTERVAL_MS = 1000;
const MIN_INTERVAL_MS = 250;
const MAX_INTERVAL_MS = 60_000;

export interface MetricsRequest {
  /** `all`: the jobs to come too. */
  readonly uuids: 'all' | ReadonlySet<string>;
  /** Asked anew at each tick. */
  readonly running: () => readonly string[];
  readonly hasEnded: (uuid: string) => boolean;
  readonly intervalMs: number;
  /** undefined: the job runs no more. */
  readonly usageOf: (uuid: string) => CgroupUsage | undefined;
  readonly signal: AbortSignal;
}

/** @throws JobletError (invalid) when the interval is out of its bounds. */
export function checkedInterval(intervalMs: number): number {
  if (intervalMs === 0) {
    return DEFAULT_INTERVAL_MS;
  }
  if (intervalMs < MIN_INTERVAL_MS || intervalMs > MAX_INTERVAL_MS) {
    throw new JobletError('invalid', {
      layer: 'job',
      operation: 'watch metrics',
      object: 'interval_ms',
      reason: `must be ${MIN_INTERVAL_MS} to ${MAX_INTERVAL_MS}, or 0, is ${intervalMs}`,
      mend: '',
    });
  }
  return intervalMs;
}

/** Reads when it is asked for more: who is slow gets fewer ticks. Ends when all named jobs have ended. */
export async function* watchMetrics(request: MetricsRequest): AsyncGenerator<JobMetrics> {
  const { uuids, running, hasEnded, intervalMs, usageOf, signal } = request;
  for (let next = performance.now(); !signal.aborted; ) {
    if (uuids !== 'all' && [...uuids].every(hasEnded)) {
      return;
    }
    for (const uuid of running()) {
      const usage = uuids === 'all' || uuids.has(uuid) ? usageOf(uuid) : undefined;
      if (usage !== undefined) {
        yield metricsOf(uuid, { timeUs: BigInt(Date.now()) * 1000n, ...usage });
      }
    }
    const now = performance.now();
    next = Math.max(next + intervalMs, now);
    await delay(next - now, undefined, { signal }).catch(() => undefined);
  }
}
