import { expect, it } from 'vitest';
import type { JobDetails } from '../../../src-main/ipc/contract.ts';
import { text } from '../../text.ts';
import { exitReasonOf } from './exit-reason.ts';

const ended = (part: Partial<JobDetails>): JobDetails =>
  ({ status: 'FAILED', failure: null, signal: null, exitCode: 2, usage: null, ...part }) as JobDetails;
const usage = { pidsMaxHits: 3 } as JobDetails['usage'];

it('explains an exit code by the processes that the kernel refused', () => {
  expect(exitReasonOf(ended({ usage }))).toEqual({
    tone: 'bad',
    title: text.exit.code(2),
    cause: text.exit.refusedProcesses(3),
    mend: text.exit.moreProcesses,
  });
});

it('says nothing of them when the job did what it was to do, or did not run', () => {
  expect(exitReasonOf(ended({ status: 'COMPLETED', exitCode: 0, usage }))?.cause).toBe('');
  const failure = { layer: 'mount', operation: 'open', object: '/x', reason: 'ENOENT', mend: 'Make it.' };
  expect(exitReasonOf(ended({ usage, failure }))).toMatchObject({ mend: 'Make it.' });
});
