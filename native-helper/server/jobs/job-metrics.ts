/** What running jobs use, read from their cgroups while somebody watches. */
import { setTimeout as delay } from 'node:timers/promises';
import { create } from '@bufbuild/protobuf';
import { JobletError } from '../../api/errors.ts';
import { type JobMetrics, JobMetricsSchema } from '../../api/gen/joblet_pb.js';
import type { CgroupUsage } from '../../kernel/cgroup.ts';

const DEFAULT_INTERVAL_MS = 1000;
const MIN_INTERVAL_MS = 250;
const MAX_INTERVAL_MS = 60_000;

export interface MetricsRequest {
  /** Asked anew at each tick. */
  readonly uuids: () => readonly string[];
  readonly intervalMs: number;
  /** undefined: the job does not run. */
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

/** Reads when it is asked for more: who is slow gets fewer ticks. */
export async function* watchMetrics({
  uuids,
  intervalMs,
  usageOf,
  signal,
}: MetricsRequest): AsyncGenerator<JobMetrics> {
  for (let next = performance.now(); !signal.aborted; ) {
    for (const uuid of uuids()) {
      const usage = usageOf(uuid);
      if (usage !== undefined) {
        yield metricsOf(uuid, usage);
      }
    }
    next = Math.max(next + intervalMs, performance.now());
    await delay(next - performance.now(), undefined, { signal }).catch(() => undefined);
  }
}

function metricsOf(uuid: string, { memoryBytes, pids, ...usage }: CgroupUsage): JobMetrics {
  return create(JobMetricsSchema, {
    uuid,
    timeUs: BigInt(Date.now()) * 1000n,
    ...usage,
    ...(memoryBytes !== undefined && { memoryBytes }),
    ...(pids !== undefined && { pids }),
  });
}
