import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { JobMetricsSchema } from '../../native-helper/api/gen/joblet_pb.js';
import { MetricsTable } from './metrics.ts';

const SECOND_US = 1_000_000;
const told = (second: number, cpuUs: number, rest: { memoryBytes?: bigint; pids?: bigint } = {}) =>
  create(JobMetricsSchema, {
    uuid: 'a',
    timeUs: BigInt(second * SECOND_US),
    cpuUserUs: BigInt(cpuUs),
    cpuSystemUs: 0n,
    ...rest,
  });

describe('MetricsTable', () => {
  it('knows no share before the second time', () => {
    const table = new MetricsTable();
    table.add(told(1, 900_000));
    expect(table.now(SECOND_US)).toEqual([{ uuid: 'a', cpuPercent: 0, memoryBytes: null, pids: null }]);
  });

  it('tells the share of a core since the last time, and what the kernel counts', () => {
    const table = new MetricsTable();
    table.add(told(1, 0));
    table.add(told(3, 3 * SECOND_US, { memoryBytes: 4096n, pids: 2n }));
    expect(table.now(3 * SECOND_US)).toEqual([{ uuid: 'a', cpuPercent: 150, memoryBytes: 4096, pids: 2 }]);
  });

  it('forgets a job that is not told of any more', () => {
    const table = new MetricsTable();
    table.add(told(1, 0));
    expect(table.now(10 * SECOND_US)).toEqual([]);
  });
});
