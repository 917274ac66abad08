/** What a job uses, as text and as JSON. Counters become shares and rates by the sample before. */
import type { Job, JobMetrics } from '../../../native-helper/api/gen/joblet_pb.js';
import { ratesOf } from '../../client/rates.ts';
import { compactJson } from './json.ts';
import { rfc3339, timeOfDay } from './time.ts';

const UNITS = ['B', 'KB', 'MB', 'GB', 'TB', 'PB'] as const;

/** `12.3 MB`, for people; 1 MB is 1048576 bytes. */
export function approximateSize(bytes: bigint | number): string {
  let value = Number(bytes);
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return unit === 0 ? `${value} B` : `${value.toFixed(1)} ${UNITS[unit]}`;
}

export function metricsText(now: JobMetrics, before: JobMetrics | undefined, job: Job): string {
  const rates = ratesOf(now, before, job.startedUs);
  const limit = job.spec?.limits?.memoryBytes;
  const { memoryBytes, ioReadBytes, ioWrittenBytes, pids } = now;
  const pressure = [
    ['CPU', rates.cpuPressure],
    ['Memory', rates.memoryPressure],
    ['Disk', rates.ioPressure],
  ] as const;
  const waits = pressure.flatMap(([name, share]) =>
    share === undefined ? [] : [`  ${name}: ${share.toFixed(2)}%`],
  );
  const lines = [
    `=== Metrics at ${timeOfDay(now.timeUs)} ===`,
    `CPU: ${rates.cpuPercent.toFixed(2)}%`,
    ...(memoryBytes === undefined ? [] : ['Memory:', `  Current: ${approximateSize(memoryBytes)}`]),
    ...(memoryBytes === undefined || limit === undefined
      ? []
      : [
          `  Limit: ${approximateSize(limit)} (${((Number(memoryBytes) / Number(limit)) * 100).toFixed(1)}% used)`,
        ]),
    ...(ioReadBytes === undefined || ioWrittenBytes === undefined
      ? []
      : [
          'Disk I/O:',
          `  Read: ${approximateSize(ioReadBytes)}`,
          `  Write: ${approximateSize(ioWrittenBytes)}`,
        ]),
    ...(pids === undefined ? [] : [`Processes: ${pids}`]),
    ...(waits.length === 0 ? [] : ['Waited:', ...waits]),
  ];
  return `${lines.join('\n')}\n\n`;
}

export function metricsJson(now: JobMetrics, before: JobMetrics | undefined, job: Job): string {
  const { $typeName: _, $unknown: __, uuid, timeUs, ...counts } = now;
  const { cpuPercent } = ratesOf(now, before, job.startedUs);
  return compactJson({ job_uuid: uuid, time: rfc3339(timeUs), cpuPercent, ...counts });
}
