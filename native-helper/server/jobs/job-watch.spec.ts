import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { type Job, type JobEvent, JobSchema, JobStatus } from '../../api/gen/joblet_pb.js';
import { JobChanges } from './job-changes.ts';
import { CHANGED_JOBS_MAXIMUM, refuseManyIds, WATCHED_IDS_MAXIMUM, watchJobs } from './job-watch.ts';

const { INITIALIZING, RUNNING, COMPLETED } = JobStatus;

/** Jobs whose states the test changes. */
class TestJobs {
  readonly changes = new JobChanges();
  readonly #states = new Map<string, JobStatus>();

  set(uuid: string, status: JobStatus): void {
    this.#states.set(uuid, status);
    this.changes.announce(uuid);
  }

  delete(uuid: string): void {
    this.#states.delete(uuid);
    this.changes.announce(uuid);
  }

  watch(uuids: string[], scope: 'these' | 'all', signal = new AbortController().signal) {
    const read = (uuid: string): Job | undefined => {
      const status = this.#states.get(uuid);
      return status === undefined ? undefined : create(JobSchema, { uuid, status });
    };
    return watchJobs({ uuids, scope, changes: this.changes, read, signal });
  }
}

async function next(events: AsyncGenerator<JobEvent>): Promise<[string, JobStatus | 'deleted'] | 'end'> {
  const { value, done } = await events.next();
  return done === true
    ? 'end'
    : [value.job?.uuid ?? '', value.deleted ? 'deleted' : (value.job?.status ?? JobStatus.UNSPECIFIED)];
}

describe('watchJobs', () => {
  it('sends the present state of each, then every change, and ends when all are deleted', async () => {
    const jobs = new TestJobs();
    jobs.set('a', INITIALIZING);
    jobs.set('b', RUNNING);
    const events = jobs.watch(['a', 'b'], 'these');
    expect(await next(events)).toEqual(['a', INITIALIZING]);
    expect(await next(events)).toEqual(['b', RUNNING]);
    const waiting = next(events);
    jobs.set('c', RUNNING);
    jobs.set('a', RUNNING);
    expect(await waiting).toEqual(['a', RUNNING]);
    jobs.delete('a');
    expect(await next(events)).toEqual(['a', 'deleted']);
    jobs.delete('b');
    expect(await next(events)).toEqual(['b', 'deleted']);
    expect(await next(events)).toBe('end');
  });

  it('tells of new jobs to who watches all', async () => {
    const jobs = new TestJobs();
    const events = jobs.watch([], 'all');
    const waiting = next(events);
    jobs.set('new', INITIALIZING);
    expect(await waiting).toEqual(['new', INITIALIZING]);
  });

  it('gives a slow watcher the latest state of each job, not a backlog', async () => {
    const jobs = new TestJobs();
    jobs.set('a', INITIALIZING);
    const events = jobs.watch(['a'], 'all');
    expect(await next(events)).toEqual(['a', INITIALIZING]);
    for (let round = 0; round < 1000; round += 1) {
      jobs.set('a', RUNNING);
    }
    jobs.set('a', COMPLETED);
    jobs.set('b', RUNNING);
    expect(await next(events)).toEqual(['a', COMPLETED]);
    expect(await next(events)).toEqual(['b', RUNNING]);
  });

  it('ends, with words, for who falls too far behind', async () => {
    const jobs = new TestJobs();
    const events = jobs.watch([], 'all');
    const first = next(events);
    jobs.set('first', RUNNING);
    await first;
    for (let number = 0; number <= CHANGED_JOBS_MAXIMUM + 10; number += 1) {
      jobs.set(String(number), RUNNING);
    }
    await expect(next(events)).rejects.toMatchObject({ kind: 'exhausted', details: { operation: 'watch' } });
  });

  it('sends more running jobs at first than may change unseen', async () => {
    const jobs = new TestJobs();
    const uuids = Array.from({ length: CHANGED_JOBS_MAXIMUM + 5 }, (_, number) => String(number));
    for (const uuid of uuids) {
      jobs.set(uuid, RUNNING);
    }
    const events = jobs.watch(uuids, 'all');
    for (const uuid of uuids) {
      expect(await next(events)).toEqual([uuid, RUNNING]);
    }
  });

  it('ends when its watcher goes', async () => {
    const abort = new AbortController();
    const jobs = new TestJobs();
    const events = jobs.watch([], 'all', abort.signal);
    const waiting = next(events);
    abort.abort();
    expect(await waiting).toBe('end');
  });
});

it('refuseManyIds takes as many ids as can be looked up at once, and no more', () => {
  const ids = Array.from({ length: WATCHED_IDS_MAXIMUM + 1 }, String);
  expect(() => refuseManyIds(ids.slice(1))).not.toThrow();
  expect(() => refuseManyIds(ids)).toThrow(expect.objectContaining({ kind: 'invalid' }));
});
