import { describe, expect, it } from 'vitest';
import { JobletError } from '../../native-helper/api/errors.ts';
import { errorJson, errorText, toJobletError, usageError } from './errors.ts';

const refused = new JobletError('refused', {
  layer: 'cgroup',
  operation: 'mkdir',
  object: '/sys/fs/cgroup/joblet\u001b[2J',
  reason: 'EROFS',
  mend: 'Remount it writable.',
});

describe('an error', () => {
  it('is one line with its object and its mend', () => {
    expect(errorText(refused, 'rnx')).toBe(
      'rnx: cgroup: mkdir /sys/fs/cgroup/joblet\\x1b[2J: EROFS. Remount it writable.\n',
    );
  });

  it('is an object with --json', () => {
    expect(JSON.parse(errorJson(refused))).toEqual({
      error: {
        kind: 'refused',
        message: 'cgroup: mkdir /sys/fs/cgroup/joblet\u001b[2J: EROFS. Remount it writable.',
        layer: 'cgroup',
        operation: 'mkdir',
        object: '/sys/fs/cgroup/joblet\u001b[2J',
        cause: 'EROFS',
        mend: 'Remount it writable.',
      },
    });
    expect(JSON.parse(errorJson(usageError('--name', 'is odd')))).toEqual({
      error: { kind: 'invalid', message: '--name: is odd', object: '--name', cause: 'is odd' },
    });
  });

  it('that the helper tells of itself is one line too', () => {
    const cause = new Error('as the connection brought it');
    const details = { layer: 'state', operation: 'read', object: 'job', reason: 'is damaged', mend: '' };
    expect(errorText(new JobletError('internal', details, { cause }), 'joblet')).toBe(
      'joblet: state: read job: is damaged\n',
    );
  });

  it('that nobody foresaw is a fault of ours, told with its stack', () => {
    const error = toJobletError(new TypeError('x is undefined'));
    expect(error.kind).toBe('internal');
    expect(errorText(error, 'joblet')).toMatch(
      /^joblet: .*x is undefined\..*\nTypeError: x is undefined\n {4}at /,
    );
  });
});
