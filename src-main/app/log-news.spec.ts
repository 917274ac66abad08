import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { JobSchema, LogPlace, type LogStateSchema } from '../../native-helper/api/gen/joblet_pb.js';
import { logNewsOf } from './log-news.ts';
import { logStateText } from './log-state-text.ts';

const UUID = '01234567-89ab-4def-8000-000000000000';
type State = MessageInitShape<typeof LogStateSchema>;
const jobWith = (logState?: State) =>
  create(JobSchema, {
    uuid: UUID,
    spec: { command: 'make', name: 'build' },
    ...(logState !== undefined && { logState: { place: LogPlace.DISK, every: 1, ...logState } }),
  } as MessageInitShape<typeof JobSchema>);
const MEMORY: State = { place: LogPlace.MEMORY, cause: 'ENOSPC', waitingBytes: 2000n };
const SAMPLED: State = { place: LogPlace.MEMORY, every: 10, lostLines: 9n, lostBytes: 90n };

describe('logNewsOf', () => {
  it('tells when output has to wait, with the cause, and a click leads to the job', () => {
    expect(logNewsOf(jobWith(), jobWith(MEMORY))).toEqual({
      title: 'Output kept in memory: build',
      body: 'Output kept in memory. The disk said ENOSPC. 2,000 bytes wait.',
      order: { order: 'open-job', uuid: UUID },
    });
  });

  it.each<[string, State | undefined, State | undefined, string | undefined]>([
    ['gets worse', MEMORY, SAMPLED, 'Output has lines left out: build'],
    ['must be waited for', undefined, { blocked: true }, 'Waits for the disk: build'],
    ['is well again', SAMPLED, undefined, 'Output on the disk again: build'],
    [
      'is on the disk again, less what was lost',
      SAMPLED,
      { lostBytes: 90n },
      'Output on the disk again: build',
    ],
    ['gets a little better', SAMPLED, MEMORY, undefined],
    ['is as before', MEMORY, { ...MEMORY, waitingBytes: 9n }, undefined],
    ['never was ill', undefined, undefined, undefined],
  ])('of output that %s', (_what, before, after, title) => {
    expect(logNewsOf(jobWith(before), jobWith(after))?.title).toBe(title);
  });
});

it('has words for what was lost', () => {
  const { logState } = jobWith({ lostLines: 412_300n, lostBytes: 1n });
  expect(logState && logStateText(logState)).toBe('412,300 lines (1 byte) are lost.');
});
