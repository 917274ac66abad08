import { readFileSync } from 'node:fs';
import { type CpuInfo, totalmem } from 'node:os';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { coreLoads, memoryOf } from './machine.ts';

const core = (times: Partial<CpuInfo['times']>): CpuInfo => ({
  model: '',
  speed: 0,
  times: { user: 0, nice: 0, sys: 0, idle: 0, irq: 0, ...times },
});

describe('coreLoads', () => {
  it('is the share of the time between that was not idle', () => {
    const before = [core({ user: 100, idle: 100 }), core({})];
    const now = [core({ user: 120, sys: 10, idle: 170 }), core({ nice: 5, irq: 5 })];
    expect(coreLoads(before, now)).toEqual([30, 100]);
  });

  it('knows nothing of a core that has just come, and of time that has not passed', () => {
    expect(coreLoads([], [core({ user: 7 })])).toEqual([0]);
    expect(coreLoads([core({ user: 7 })], [core({ user: 7 })])).toEqual([0]);
  });

  it('stays within 0 and 100, whichever way the counters step', () => {
    const times = fc.record({
      user: fc.nat(1000),
      nice: fc.nat(1000),
      sys: fc.nat(1000),
      idle: fc.nat(1000),
      irq: fc.nat(1000),
    });
    fc.assert(
      fc.property(times, times, (before, now) => {
        const [load] = coreLoads([core(before)], [core(now)]);
        expect(load).toBeGreaterThanOrEqual(0);
        expect(load).toBeLessThanOrEqual(100);
      }),
    );
  });
});

describe('memoryOf', () => {
  it('reads what this kernel says', () => {
    const memory = memoryOf(readFileSync('/proc/meminfo', 'utf8'));
    expect(memory.totalBytes).toBe(totalmem());
    expect(memory.availableBytes).toBeGreaterThan(0);
    expect(memory.availableBytes).toBeLessThanOrEqual(memory.totalBytes);
  });

  it('takes kilobytes for what they are, and what is missing for nothing', () => {
    const text =
      'MemTotal:       16303428 kB\nSwapTotal:  2048 kB\nSwapFree:  1024 kB\nHugePages_Total:       3\n';
    expect(memoryOf(text)).toEqual({
      totalBytes: 16_303_428 * 1024,
      availableBytes: 0,
      swapUsedBytes: 1024 * 1024,
    });
  });
});
