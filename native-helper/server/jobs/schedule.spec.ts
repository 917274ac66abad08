import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { DueJob } from '../state/job-store.ts';
import { Schedule } from './schedule.ts';

const DAY_MS = 86_400_000;

let waiting: DueJob[];
let begun: string[];
let schedule: Schedule;

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
  waiting = [];
  begun = [];
  schedule = new Schedule({
    next: (limit) => waiting.toSorted((one, other) => one.dueUs - other.dueUs).slice(0, limit),
    begin: async (uuid) => {
      await Promise.resolve();
      waiting = waiting.filter((job) => job.uuid !== uuid);
      begun.push(uuid);
    },
  });
});
afterEach(() => {
  schedule[Symbol.dispose]();
  vi.useRealTimers();
});

function wait(uuid: string, milliseconds: number): void {
  waiting.push({ uuid, dueUs: (Date.now() + milliseconds) * 1000 });
  schedule.look();
}

describe('a schedule', () => {
  it('begins each job at its time, in their order', async () => {
    schedule.open();
    wait('late', 2000);
    wait('soon', 1000);
    await vi.advanceTimersByTimeAsync(999);
    expect(begun).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(begun).toEqual(['soon']);
    await vi.advanceTimersByTimeAsync(1000);
    expect(begun).toEqual(['soon', 'late']);
  });

  it('begins nothing before it is open, and what has become due meanwhile at once', async () => {
    wait('past', -DAY_MS);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(begun).toEqual([]);
    schedule.open();
    await vi.advanceTimersByTimeAsync(0);
    expect(begun).toEqual(['past']);
  });

  it('waits longer than any timer can', async () => {
    schedule.open();
    wait('later', 40 * DAY_MS);
    await vi.advanceTimersByTimeAsync(1000);
    expect(begun).toEqual([]);
    // The machine has slept, or its clock was set.
    vi.setSystemTime(Date.now() + 39 * DAY_MS);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(begun).toEqual([]);
    vi.setSystemTime(Date.now() + DAY_MS);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(begun).toEqual(['later']);
  });

  it('does not begin early when the clock is set back', async () => {
    schedule.open();
    wait('job', 5000);
    vi.setSystemTime(Date.now() - 60_000);
    await vi.advanceTimersByTimeAsync(64_000);
    expect(begun).toEqual([]);
    await vi.advanceTimersByTimeAsync(2000);
    expect(begun).toEqual(['job']);
  });

  it('costs nothing when nobody waits', async () => {
    schedule.open();
    wait('job', 1000);
    await vi.advanceTimersByTimeAsync(1000);
    expect(vi.getTimerCount()).toBe(0);
  });
});
