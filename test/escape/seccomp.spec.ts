import { spawnSync } from 'node:child_process';
import { cannotEscape, type Jobs } from './escape.ts';
import { PROBES } from './probes.ts';

const atLevel = (seccompLevel: number, command: readonly string[]) => (jobs: Jobs) =>
  jobs.probe(command, { spec: { seccompLevel } });

/** Says so when this kernel lets even root no further than a filter would. */
function lacking(...command: readonly string[]): string | undefined {
  const { stdout } = spawnSync(PROBES, command, { encoding: 'utf8' });
  return stdout.startsWith('escaped') ? undefined : `this kernel lacks it: ${stdout.trim()}`;
}

/** Level 1 on its own, where a job may still do much. */
const AT_LEVEL_1 = [
  'mount',
  'setns',
  'unshare-user',
  'io_uring_setup',
  'io_uring_enter',
  'io_uring_register',
  'tiocsti',
  'tiocsti-high',
  'tioclinux',
  'tiocsetd',
];
const AT_LEVEL_2 = [
  'userfaultfd',
  'bpf',
  'perf_event_open',
  'keyctl',
  'add_key',
  'request_key',
  'ptrace',
  'pidfd_getfd',
  'process_vm_readv',
  'process_vm_writev',
  'move_pages',
  'fanotify_init',
  'personality',
  'alg',
  'vsock',
  'netlink-audit',
  'sctp',
];
/** The kernel itself refuses them to whoever has no capability, so here the jobs have all. */
const PRIVILEGED = [
  'unshare-time',
  'open_by_handle_at',
  'raw',
  'packet',
  'old-packet',
  'umount2',
  'pivot_root',
  'chroot',
  'open_tree',
  'move_mount',
  'fsopen',
  'fsmount',
  'fspick',
  'mount_setattr',
  'swapoff',
  'reboot',
];

for (const call of AT_LEVEL_1) {
  cannotEscape(`reaches no ${call} at level 1`, {
    layer: 'seccomp',
    lacks: () => lacking('seccomp.call', call),
    attempt: atLevel(1, ['seccomp.call', call]),
  });
}

for (const call of AT_LEVEL_2) {
  cannotEscape(`reaches no ${call}`, {
    layer: 'seccomp',
    lacks: () => lacking('seccomp.call', call),
    attempt: atLevel(2, ['seccomp.call', call]),
  });
}

for (const call of PRIVILEGED) {
  cannotEscape(`reaches no ${call}, even with every capability`, {
    layer: 'seccomp',
    beside: ['capabilities', 'credentials'],
    lacks: () => lacking('seccomp.call', call),
    attempt: atLevel(2, ['seccomp.call', call]),
  });
}

for (const way of ['clone', 'clone3']) {
  cannotEscape(`makes no user namespace by ${way}`, {
    layer: 'seccomp',
    attempt: atLevel(1, [`seccomp.${way}`]),
  });
}

for (const way of ['open', 'tmpfile', 'creat', 'openat2', 'mknod', 'chmod', 'fchmod', 'fchmodat2']) {
  cannotEscape(`makes no file with a set-id bit by ${way}`, {
    layer: 'seccomp',
    lacks: () => (way === 'fchmodat2' ? lacking('seccomp.call', way) : undefined),
    attempt: atLevel(1, ['seccomp.set-id', way]),
  });
}

if (process.arch === 'x64') {
  cannotEscape('finds no way in by i386 calls', {
    layer: 'seccomp',
    lacks: () => lacking('seccomp.i386'),
    attempt: atLevel(1, ['seccomp.i386']),
  });

  for (const [call, number] of [
    ['getpid', '39'],
    ['ptrace', '521'],
  ] as const) {
    cannotEscape(`finds no way in by the x32 call ${call}`, {
      layer: 'seccomp',
      attempt: atLevel(1, ['seccomp.x32', number]),
    });
  }
}
