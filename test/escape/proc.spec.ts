import { existsSync, readFileSync } from 'node:fs';
import { cannotEscape } from './escape.ts';

const missing = (path: string) => () => (existsSync(path) ? undefined : `this kernel has no ${path}`);

/** The kernel starts what stands in some of them, as root and on the host. */
for (const setting of ['core_pattern', 'modprobe', 'sysrq', 'core_pipe_limit']) {
  const path = `/proc/sys/kernel/${setting}`;
  cannotEscape(`does not write ${path}`, {
    layer: 'proc-masks',
    beside: ['credentials'],
    lacks: missing(path),
    attempt: (jobs) => jobs.probe(['kernel.write-setting', path]),
  });
}

for (const setting of [
  '/proc/sys/vm/swappiness',
  '/proc/sys/fs/suid_dumpable',
  '/proc/irq/default_smp_affinity',
]) {
  cannotEscape(`does not write ${setting}`, {
    layer: 'proc-masks',
    beside: ['credentials'],
    lacks: missing(setting),
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

cannotEscape('takes no mask of /proc off', {
  layer: 'proc-masks',
  lacks: missing('/proc/kcore'),
  attempt: (jobs) => jobs.probe(['kernel.uncover', '/proc/kcore']),
});

cannotEscape('shows /proc nowhere else without its masks', {
  layer: 'proc-masks',
  lacks: missing('/proc/kcore'),
  attempt: (jobs) => jobs.probe(['kernel.show-elsewhere']),
});

cannotEscape('registers no binary format', {
  layer: 'capabilities',
  lacks: () =>
    readFileSync('/proc/filesystems', 'utf8').includes('\tbinfmt_misc\n')
      ? undefined
      : 'this kernel has no binfmt_misc',
  attempt: (jobs) => jobs.probe(['kernel.binary-format']),
});

/** Where uevent_helper lies as well, on kernels that have it: another program that the kernel starts. */
for (const path of ['/sys/kernel/rcu_expedited', '/sys/power/state']) {
  cannotEscape(`does not write ${path}`, {
    layer: 'mount-namespace',
    beside: ['credentials'],
    lacks: missing(path),
    attempt: (jobs) => jobs.probe(['kernel.write-setting', path]),
  });
}

cannotEscape('raises no limit of its own cgroup', {
  layer: 'capabilities',
  attempt: (jobs) => jobs.probe(['kernel.cgroup-limit']),
});

cannotEscape('mounts no /sys', {
  layer: 'mount-namespace',
  attempt: (jobs) => jobs.probe(['kernel.fresh-sys']),
});
