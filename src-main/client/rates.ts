/** From what the helper counts to what people read: shares and rates over the time between two samples. */
import type { JobMetrics } from '../../native-helper/api/gen/joblet_pb.js';

/** undefined: this machine's kernel does not count it for jobs. */
export interface Rates {
  /** 100 is one core. */
  readonly cpuPercent: number;
  /** Bytes a second. */
  readonly ioRead: number | undefined;
  readonly ioWritten: number | undefined;
  /** Percent of the time in which some process of the job waited. */
  readonly cpuPressure: number | undefined;
  readonly memoryPressure: number | undefined;
  readonly ioPressure: number | undefined;
}

type Counter =
  | 'cpuUserUs'
  | 'cpuSystemUs'
  | 'ioReadBytes'
  | 'ioWrittenBytes'
  | `${'cpu' | 'memory' | 'io'}PressureUs`;

const US_PER_SECOND = 1_000_000;

/** @param before the sample before; undefined: what `now` counts has grown since the job's start. */
export function ratesOf(now: JobMetrics, before: JobMetrics | undefined, startedUs: bigint): Rates {
  const passedUs = Number(now.timeUs - (before?.timeUs ?? startedUs));
  const grown = (name: Counter): number | undefined => {
    const value = now[name];
    return value === undefined ? undefined : Math.max(0, Number(value - (before?.[name] ?? 0n)));
  };
  const per = (growth: number | undefined, unit: number): number | undefined =>
    growth === undefined ? undefined : passedUs <= 0 ? 0 : (growth / passedUs) * unit;
  return {
    cpuPercent: per((grown('cpuUserUs') ?? 0) + (grown('cpuSystemUs') ?? 0), 100) ?? 0,
    ioRead: per(grown('ioReadBytes'), US_PER_SECOND),
    ioWritten: per(grown('ioWrittenBytes'), US_PER_SECOND),
    cpuPressure: per(grown('cpuPressureUs'), 100),
    memoryPressure: per(grown('memoryPressureUs'), 100),
    ioPressure: per(grown('ioPressureUs'), 100),
  };
}
