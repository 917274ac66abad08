import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JobStatus } from '../../api/gen/joblet_pb.js';
import {
  ENDED_STATES,
  FIRST_STATES,
  hasEnded,
  JOB_STATES,
  LIVE_STATES,
  mayFollow,
  predecessorsOf,
} from './job-state.ts';

const anyState = fc.constantFrom(...JOB_STATES);

/** Follows wishes where they are allowed, as the store does. */
function walk(first: JobStatus, wishes: readonly JobStatus[]): JobStatus[] {
  const path = [first];
  for (const wish of wishes) {
    if (mayFollow(path.at(-1) as JobStatus, wish)) {
      path.push(wish);
    }
  }
  return path;
}

/** Each but the first begins with the wait for it. */
function attemptsIn(path: readonly JobStatus[]): JobStatus[][] {
  const attempts: JobStatus[][] = [[]];
  for (const state of path) {
    if (state === JobStatus.SCHEDULED) {
      attempts.push([]);
    }
    attempts.at(-1)?.push(state);
  }
  return attempts;
}

describe('the states of a job', () => {
  it('end once and for all, whatever is wished', () => {
    fc.assert(
      fc.property(fc.constantFrom(...FIRST_STATES), fc.array(anyState), (first, wishes) => {
        const path = walk(first, wishes);
        const end = path.findIndex(hasEnded);
        expect(end === -1 || end === path.length - 1).toBe(true);
      }),
    );
  });

  it('are entered at most once for each attempt, but for a pause, so that none is started twice', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...FIRST_STATES),
        fc.array(anyState, { minLength: 60, maxLength: 120 }),
        (first, wishes) => {
          const path = walk(first, wishes);
          for (const attempt of attemptsIn(path)) {
            const rest = attempt.filter((state) => state !== JobStatus.RUNNING && state !== JobStatus.PAUSED);
            expect(new Set(rest).size).toBe(rest.length);
          }
        },
      ),
    );
  });

  it('are all reached from a first one', () => {
    const reached = new Set(FIRST_STATES);
    for (const state of reached) {
      for (const next of JOB_STATES.filter((candidate) => mayFollow(state, candidate))) {
        reached.add(next);
      }
    }
    expect([...reached].sort()).toEqual([...JOB_STATES].sort());
  });

  it('can end from every live one', () => {
    for (const state of LIVE_STATES) {
      expect(ENDED_STATES.some((end) => mayFollow(state, end))).toBe(true);
    }
  });

  it('know what they follow', () => {
    fc.assert(
      fc.property(anyState, anyState, (state, next) => {
        expect(predecessorsOf(next).includes(state)).toBe(mayFollow(state, next));
      }),
    );
  });

  it('let only a job that runs be paused, and go on again', () => {
    expect(mayFollow(JobStatus.RUNNING, JobStatus.PAUSED)).toBe(true);
    expect(mayFollow(JobStatus.PAUSED, JobStatus.RUNNING)).toBe(true);
    expect(mayFollow(JobStatus.QUEUED, JobStatus.PAUSED)).toBe(false);
  });

  it('do not let a job complete or get lost that no monitor has had', () => {
    expect(predecessorsOf(JobStatus.COMPLETED)).not.toContain(JobStatus.QUEUED);
    expect(predecessorsOf(JobStatus.LOST)).not.toContain(JobStatus.QUEUED);
  });
});
