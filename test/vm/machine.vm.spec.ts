/** The machine is what the tests in it take it for. */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const read = (path: string): string => readFileSync(path, 'utf8');

describe('the machine', () => {
  it('has one cgroup tree, version 2, with the controllers that limits need', () => {
    expect(read('/proc/self/cgroup')).toBe('0::/\n');
    expect(read('/sys/fs/cgroup/cgroup.subtree_control').trim().split(' ')).toEqual(
      expect.arrayContaining(['cpu', 'cpuset', 'io', 'memory', 'pids']),
    );
  });

  it("has the host's root as an overlay, not by chroot", () => {
    expect(read('/proc/mounts')).toMatch(/^overlay \/ overlay /m);
    expect(read('/proc/self/mountinfo').split('\n')[0]?.split(' ')[3]).toBe('/');
  });

  it('knows none of the state of the helper of the host', () => {
    expect(existsSync('/var/lib/joblet/state.db')).toBe(false);
    expect(existsSync('/etc/joblet/joblet-config.yml')).toBe(false);
  });
});
