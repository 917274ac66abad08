import { constants } from 'node:os';
import { expect, it } from 'vitest';
import { systemCallError } from '../../kernel/library.ts';
import { failureFrom } from './failure.ts';

it('says what to do when no monitor can be made for a job', () => {
  const error = systemCallError('posix_spawn', 'joblet-executor', constants.errno.EAGAIN);
  expect(failureFrom(error)).toMatchObject({
    layer: 'kernel',
    operation: 'posix_spawn',
    cause: 'EAGAIN',
    mend: expect.stringContaining('limit on processes'),
  });
});
