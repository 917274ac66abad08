import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmdirSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { cannotEscape } from './escape.ts';

const missing = (path: string) => () => (existsSync(path) ? undefined : `this kernel has no ${path}`);

for (const setting of ['/proc/sys/kernel/core_pattern', '/proc/sys/vm/swappiness']) {
  cannotEscape(`does not write ${setting}`, {
    layer: 'proc-masks',
    beside: ['credentials'],
    attempt: (jobs) => jobs.probe(['kernel.write-setting', setting]),
  });
}

for (const path of ['/proc/keys', '/proc/key-users', '/proc/interrupts']) {
  cannotEscape(`reads nothing in ${path}`, {
    layer: 'proc-masks',
    lacks: missing(path),
    attempt: (jobs) => jobs.probe(['kernel.read-masked', path]),
  });
}

for (const path of ['/proc/kcore', '/proc/sysrq-trigger', '/proc/timer_list', '/proc/keys']) {
  cannotEscape(`does not have the kernel's ${path}`, {
    layer: 'proc-masks',
    lacks: missing(path),
    attempt: (jobs) => jobs.probe(['kernel.covered', path]),
  });
}

cannotEscape('mounts no /proc without masks', {
  layer: 'proc-masks',
  attempt: (jobs) => jobs.probe(['kernel.fresh-proc']),
});

cannotEscape('has a host name of its own', {
  layer: 'uts',
  attempt: (jobs) => jobs.probe(['kernel.host-name', hostname()]),
});

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
