import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseMounts, readMounts } from './mountinfo.ts';

describe('parseMounts', () => {
  it('reads the fields of proc_pid_mountinfo(5), optional ones and escapes included', () => {
    const text = [
      '41 31 0:38 / /sys/fs/cgroup/unified rw,relatime shared:9 master:1 - cgroup2 cgroup2 rw,nsdelegate',
      '35 31 0:32 / /mnt/a\\040b\\134c rw - cgroup cgroup rw,memory',
      '',
    ].join('\n');
    expect(parseMounts(text)).toEqual([
      {
        mountPoint: '/sys/fs/cgroup/unified',
        fileSystemType: 'cgroup2',
        source: 'cgroup2',
        superOptions: ['rw', 'nsdelegate'],
      },
      {
        mountPoint: '/mnt/a b\\c',
        fileSystemType: 'cgroup',
        source: 'cgroup',
        superOptions: ['rw', 'memory'],
      },
    ]);
  });

  it('passes over lines of another shape', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        for (const entry of parseMounts(text)) {
          expect(entry.fileSystemType).toBeDefined();
        }
      }),
    );
  });

  it('finds /proc of this machine', () => {
    expect(readMounts()).toContainEqual(
      expect.objectContaining({ mountPoint: '/proc', fileSystemType: 'proc' }),
    );
  });
});
