import { describe, expect, it } from 'vitest';
import { JobStatus } from '../../../native-helper/api/gen/joblet_pb.js';
import { plainJob } from './job.fixture.ts';
import { hasEnded, statusName, statusNames, statusOfName } from './status.ts';

describe('states', () => {
  it('have the names that scripts know', () => {
    expect(statusNames).toEqual([
      ...['INITIALIZING', 'SCHEDULED', 'QUEUED', 'RUNNING', 'PAUSED', 'COMPLETED', 'FAILED', 'STOPPED'],
      ...['CANCELED', 'TIMEOUT', 'LOST'],
    ]);
  });

  it('are found by name in any case', () => {
    expect(statusNames.map(statusOfName).map((status) => statusName(status ?? 0))).toEqual(statusNames);
    expect(statusOfName('running')).toBe(JobStatus.RUNNING);
    expect(statusOfName('UNSPECIFIED')).toBeUndefined();
    expect(statusOfName('toString')).toBeUndefined();
  });

  it('end a job or do not', () => {
    const ended = statusNames.filter((name) =>
      hasEnded({ ...plainJob(), status: statusOfName(name) ?? JobStatus.UNSPECIFIED }),
    );
    expect(ended).toEqual(['COMPLETED', 'FAILED', 'STOPPED', 'CANCELED', 'TIMEOUT', 'LOST']);
  });

  it('of a newer helper are shown by number', () => {
    expect(statusName(99 as JobStatus)).toBe('UNKNOWN (99)');
  });
});
