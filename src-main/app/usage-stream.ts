/** What one job has used, from its start until its end, across times when the helper is away. */
import { JobletError } from '../../native-helper/api/errors.ts';
import type { JobMetrics } from '../../native-helper/api/gen/joblet_pb.js';
import { type Client, isInterruption } from '../client/index.ts';
import { ratesOf } from '../client/rates.ts';
import type { UsagePoint } from '../ipc/contract.ts';
import type { Link } from './link.ts';

/** First all that there is in one item, then each sample as it is taken. */
export async function* streamUsage(
  link: Link,
  uuid: string,
  signal: AbortSignal,
): AsyncGenerator<UsagePoint[]> {
  let before: JobMetrics | undefined;
  while (!signal.aborted) {
    const client = await link.connected(signal);
    try {
      const { startedUs } = await client.jobs.getJob({ id: uuid }, { signal });
      for await (const samples of samplesOf(client, uuid, signal)) {
        const points: UsagePoint[] = [];
        for (const sample of samples) {
          if (before === undefined || sample.timeUs > before.timeUs) {
            points.push(pointOf(sample, before, startedUs));
            before = sample;
          }
        }
        if (points.length > 0) {
          yield points;
        }
      }
      return;
    } catch (error) {
      if (error instanceof JobletError && error.kind === 'not_found') {
        return;
      }
      if (!isInterruption(error)) {
        throw error;
      }
      await link.afterLossOf(client, signal);
    }
  }
}

async function* samplesOf(client: Client, id: string, signal: AbortSignal): AsyncGenerator<JobMetrics[]> {
  const history: JobMetrics[] = [];
  for await (const sample of client.jobs.getMetrics({ id }, { signal })) {
    history.push(sample);
  }
  yield history;
  for await (const sample of client.jobs.getMetrics({ id, follow: true }, { signal })) {
    yield [sample];
  }
}

function pointOf(sample: JobMetrics, before: JobMetrics | undefined, startedUs: bigint): UsagePoint {
  const { cpuPercent, ...rates } = ratesOf(sample, before, startedUs);
  const numberOrNull = (value: bigint | number | undefined) => (value === undefined ? null : Number(value));
  return {
    timeUs: Number(sample.timeUs),
    cpuPercent,
    memoryBytes: numberOrNull(sample.memoryBytes),
    pids: numberOrNull(sample.pids),
    ioRead: numberOrNull(rates.ioRead),
    ioWritten: numberOrNull(rates.ioWritten),
    cpuPressure: numberOrNull(rates.cpuPressure),
    memoryPressure: numberOrNull(rates.memoryPressure),
    ioPressure: numberOrNull(rates.ioPressure),
  };
}
