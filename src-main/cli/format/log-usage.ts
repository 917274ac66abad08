/** What logs take, and what is kept of them, as text and as JSON. */
import type { LogUsage } from '../../../native-helper/api/gen/joblet_pb.js';
import { formatDuration } from '../arguments/duration.ts';
import { approximateSize } from './metrics.ts';

export function logsText({ diskBytes, printedBytes, logs, ...rules }: LogUsage): string {
  const { compress, compressAfterMs, jobBytes, totalBytes, keepDays, keepJobs } = rules;
  const budget = totalBytes === undefined ? '' : ` of ${approximateSize(totalBytes)}`;
  const kept = [
    ...(jobBytes === undefined ? [] : [`the last ${approximateSize(jobBytes)} of each`]),
    ...(keepDays === undefined ? [] : [`for ${keepDays} days`]),
    ...(keepJobs === undefined ? [] : [`of the last ${keepJobs} jobs`]),
  ];
  return [
    `Logs: ${logs}, ${approximateSize(diskBytes)}${budget} on the disk, ${approximateSize(printedBytes)} as printed`,
    `Logs compressed: ${compress ? `${compressAfterMs === 0n ? 'at once' : formatDuration(compressAfterMs)} after the end of a job` : 'no'}`,
    `Logs kept: ${kept.join(', ') || 'all'}`,
  ]
    .map((line) => `${line}\n`)
    .join('');
}

export function logsJson(usage: LogUsage): object {
  return {
    logs: usage.logs,
    disk_bytes: usage.diskBytes,
    printed_bytes: usage.printedBytes,
    compress: usage.compress,
    compress_after_ms: usage.compressAfterMs,
    job_bytes: usage.jobBytes,
    total_bytes: usage.totalBytes,
    keep_days: usage.keepDays,
    keep_jobs: usage.keepJobs,
  };
}
