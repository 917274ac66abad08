import { expect, it } from 'vitest';
import type { Failure } from '../../../src-main/ipc/contract.ts';
import { groupsOf } from './bulk-failures.ts';

const failure = (object: string, reason: string): Failure => ({
  kind: 'conflict',
  layer: 'jobs',
  operation: 'delete',
  object,
  reason,
  mend: 'Stop it first.',
});

it('tells each reason once, the most frequent first, with all its jobs', () => {
  const groups = groupsOf([
    { uuid: '1', failure: failure('1', 'is gone') },
    { uuid: '2', failure: failure('2', 'still runs') },
    { uuid: '3', failure: failure('3', 'still runs') },
  ]);
  expect(groups.map(({ failure: { reason }, uuids }) => [reason, uuids])).toEqual([
    ['still runs', ['2', '3']],
    ['is gone', ['1']],
  ]);
});
