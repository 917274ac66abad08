import { existsSync } from 'node:fs';
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

cannotEscape('mounts no /sys', {
  layer: 'mount-namespace',
  attempt: (jobs) => jobs.probe(['kernel.fresh-sys']),
});
