import { describe, expect, it } from 'vitest';
import { cgroup2MountPoint, isKernelNewEnough, localChecks } from './local-checks.ts';

describe('isKernelNewEnough', () => {
  it.each([
    ['5.14.0', true],
    ['6.1.0-18-amd64', true],
    ['10.0', true],
    ['5.13.19', false],
    ['4.19.0-26-amd64', false],
    ['5.4', false],
    ['', false],
  ])('%s: %s', (version, enough) => {
    expect(isKernelNewEnough(version)).toBe(enough);
  });
});

describe('cgroup2MountPoint', () => {
  it('is that of the cgroup2 file system, also beside v1', () => {
    const mountInfo = [
      '29 23 0:26 / /sys/fs/cgroup ro,nosuid shared:9 - tmpfs tmpfs ro,mode=755',
      '31 29 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory',
      '30 29 0:27 / /sys/fs/cgroup/unified rw,nosuid shared:10 - cgroup2 cgroup2 rw,nsdelegate',
    ].join('\n');
    expect(cgroup2MountPoint(mountInfo)).toBe('/sys/fs/cgroup/unified');
  });

  it('is undefined where there is none', () => {
    expect(cgroup2MountPoint('29 23 0:26 / / rw - ext4 /dev/sda1 rw\n')).toBeUndefined();
    expect(cgroup2MountPoint('')).toBeUndefined();
  });
});

describe('localChecks', () => {
  it('tells of this machine, with a mend for what is missing and none for what is there', () => {
    const checks = localChecks();
    expect(checks.map(({ name }) => name)).toContain('pid namespace');
    for (const check of checks) {
      expect(check.found).not.toBe('');
      expect(check.mend === '').toBe(check.available);
    }
  });
});
