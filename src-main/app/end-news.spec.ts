import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { JobSchema, JobStatus } from '../../native-helper/api/gen/joblet_pb.js';
import { newsOf, plainText } from './end-news.ts';

const UUID = '01234567-89ab-4def-8000-000000000000';
const job = (changes: MessageInitShape<typeof JobSchema> = {}) =>
  create(JobSchema, {
    uuid: UUID,
    spec: { command: 'make', name: 'build' },
    status: JobStatus.COMPLETED,
    exitCode: 0,
    startedUs: 1_000_000n,
    endedUs: 66_900_000n,
    ...changes,
  } as MessageInitShape<typeof JobSchema>);
const FAILED = { status: JobStatus.FAILED, exitCode: 2 };

describe('newsOf', () => {
  it('tells of each of a few, and a click leads to the job', () => {
    expect(newsOf([job(), job(FAILED)], 'all')).toEqual([
      { title: 'Job completed: build', body: 'It ran for 1m5s.', order: { order: 'open-job', uuid: UUID } },
      {
        title: 'Job failed: build',
        body: 'Exit code 2. It ran for 1m5s.',
        order: { order: 'open-job', uuid: UUID },
      },
    ]);
  });

  it('tells of many in one sentence, and a click leads to the list', () => {
    expect(newsOf([job(), job(FAILED), job(), job({ status: JobStatus.LOST })], 'all')).toEqual([
      { title: '4 jobs ended, 2 not well', body: '', order: { order: 'open-page', page: 'jobs' } },
    ]);
    expect(newsOf([job(), job(), job(), job()], 'all')).toMatchObject([{ title: '4 jobs ended' }]);
  });

  it('tells of what its user wants to hear of', () => {
    const ends = [job(), job(FAILED), job({ status: JobStatus.STOPPED }), job({ status: JobStatus.TIMEOUT })];
    expect(newsOf(ends, 'none')).toEqual([]);
    expect(newsOf(ends, 'failures').map(({ title }) => title)).toEqual([
      'Job failed: build',
      'Job ran out of time: build',
    ]);
  });

  it.each([
    ['never ran', { startedUs: 0n, endedUs: 5n, exitCode: undefined }, ''],
    ['ran for less than a second', { startedUs: 1n, endedUs: 250_001n }, 'It ran for 250ms.'],
    ['ran while the clock was set back', { startedUs: 9n, endedUs: 1n }, 'It ran for 0s.'],
  ])('has words for one that %s', (_what, changes, body) => {
    expect(newsOf([job(changes)], 'all')).toMatchObject([{ body }]);
  });

  it.each([
    ['its name', { spec: { command: 'make', name: 'build' } }, 'build'],
    ['its command', { spec: { command: 'make', name: '' } }, 'make'],
    ['its id', { spec: undefined }, '01234567'],
  ])('calls a job by %s', (_what, changes, name) => {
    expect(newsOf([job(changes)], 'all')).toMatchObject([{ title: `Job completed: ${name}` }]);
  });
});

describe('plainText', () => {
  it('leaves nothing that is markup, or acts', () => {
    const text = plainText('<a href="x">&amp;</a>\u001b]0;title\u0007\u202eexe\n\0');
    expect(text).not.toMatch(/[<>&]|\p{Cc}|[\u202a-\u202e\u2066-\u2069]/u);
  });

  it('cuts a long name between two characters', () => {
    expect(plainText('\u{1f600}'.repeat(500))).toBe(`${'\u{1f600}'.repeat(79)}…`);
    expect(plainText('x'.repeat(80))).toBe('x'.repeat(80));
  });
});
