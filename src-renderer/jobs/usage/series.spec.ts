import { describe, expect, it } from 'vitest';
import type { UsagePoint } from '../../../src-main/ipc/contract.ts';
import { columnsOf, isCounted } from './series.ts';

const point = (second: number, cpuPercent: number): UsagePoint => ({
  timeUs: second * 1_000_000,
  cpuPercent,
  memoryBytes: null,
  pids: 2,
  ioRead: null,
  ioWritten: null,
  cpuPressure: null,
  memoryPressure: null,
  ioPressure: null,
});

describe('columnsOf', () => {
  it('gives a column a line', () => {
    expect(columnsOf([point(1, 50), point(2, 60)], ['cpuPercent', 'pids'])).toEqual([
      [1, 2],
      [50, 60],
      [2, 2],
    ]);
  });

  it('leaves a hole where nobody took samples, at whatever distance they are taken else', () => {
    expect(
      columnsOf(
        [1, 2, 3, 9, 10].map((second) => point(second, 1)),
        ['cpuPercent'],
      ),
    ).toEqual([
      [1, 2, 3, 6, 9, 10],
      [1, 1, 1, null, 1, 1],
    ]);
    expect(
      columnsOf(
        [0, 4, 8, 12, 14].map((second) => point(second, 1)),
        ['cpuPercent'],
      )[1],
    ).not.toContain(null);
  });

  it('knows nothing of a job that has no samples', () => {
    expect(columnsOf([], ['cpuPercent'])).toEqual([[], []]);
  });
});

describe('isCounted', () => {
  it('says whether a kernel counts any of it', () => {
    expect(isCounted([point(1, 0)], ['memoryBytes', 'pids'])).toBe(true);
    expect(isCounted([point(1, 0)], ['ioRead', 'ioWritten'])).toBe(false);
    expect(isCounted([], ['cpuPercent'])).toBe(false);
  });
});
