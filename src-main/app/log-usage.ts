/** What the logs of jobs take of the disk. */
import type { LogUsage } from '../ipc/contract.ts';
import type { Link } from './link.ts';

export async function readLogUsage(link: Link, signal: AbortSignal): Promise<LogUsage> {
  const usage = await link.client.helper.getLogUsage({}, { signal });
  return {
    diskBytes: Number(usage.diskBytes),
    printedBytes: Number(usage.printedBytes),
    logs: Number(usage.logs),
    compressAfterMs: usage.compress ? Number(usage.compressAfterMs) : null,
    jobBytes: usage.jobBytes === undefined ? null : Number(usage.jobBytes),
    totalBytes: usage.totalBytes === undefined ? null : Number(usage.totalBytes),
    keepDays: usage.keepDays ?? null,
    keepJobs: usage.keepJobs ?? null,
  };
}
