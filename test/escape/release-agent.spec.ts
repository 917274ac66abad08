import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cannotEscape } from './escape.ts';

const HIERARCHY = 'joblet-escape';

/** A cgroup v1 hierarchy that nobody uses: jobs can't make one in their cgroup namespace, but mount those there are. */
function v1Hierarchy(): Disposable {
  const folder = mkdtempSync(join(tmpdir(), 'joblet-escape-v1-'));
  execFileSync('mount', ['-t', 'cgroup', '-o', `none,name=${HIERARCHY}`, 'none', folder]);
  return {
    [Symbol.dispose]: () => {
      execFileSync('umount', [folder]);
      rmdirSync(folder);
    },
  };
}

cannotEscape('sets no release agent, a program that the kernel runs on the host (CVE-2022-0492)', {
  layer: 'capabilities',
  lacks: () =>
    readFileSync('/proc/filesystems', 'utf8').includes('\tcgroup\n')
      ? undefined
      : 'this kernel has no cgroup v1',
  attempt: async (jobs) => {
    using _hierarchy = v1Hierarchy();
    return await jobs.probe(['kernel.release-agent', HIERARCHY]);
  },
});
