import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { cannotEscape, type Jobs, verdict } from './escape.ts';
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
  'migrate_pages',
  'fanotify_init',
  'fanotify_mark',
  'personality',
  'alg',
  'vsock',
  'netlink-audit',
  'netlink-netfilter',
  'netlink-xfrm',
  'can',
  'tipc',
  'bluetooth',
  'rds',
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
  'fsconfig',
  'mount_setattr',
  'swapon',
  'swapoff',
  'reboot',
  'acct',
  'quotactl',
  'quotactl_fd',
  'syslog',
  'settimeofday',
  'clock_settime',
  'clock_adjtime',
  'adjtimex',
  'sethostname',
  'setdomainname',
  'init_module',
  'finit_module',
  'delete_module',
  'kexec_load',
  'kexec_file_load',
  'xdp',
  'key',
];
if (process.arch === 'x64') {
  AT_LEVEL_2.push('modify_ldt');
  PRIVILEGED.push('iopl', 'ioperm');
}

const CAPABLE = ['capabilities', 'credentials'];

interface Filtered {
  readonly level: number;
  readonly calls: readonly string[];
  readonly beside?: readonly string[];
}

const FILTERED: readonly Filtered[] = [
  { level: 1, calls: AT_LEVEL_1 },
  { level: 2, calls: AT_LEVEL_2 },
  { level: 2, calls: PRIVILEGED, beside: CAPABLE },
];

for (const { level, calls, beside } of FILTERED) {
  const how = beside === undefined ? '' : ', even with every capability';
  for (const call of calls) {
    cannotEscape(`reaches no ${call} at level ${level}${how}`, {
      layer: 'seccomp',
      ...(beside && { beside }),
      lacks: () => lacking('seccomp.call', call),
      byExec: false,
      attempt: atLevel(level, ['seccomp.call', call]),
    });
  }

  cannotEscape(`reaches none of them by job exec at level ${level}${how}`, {
    layer: 'seccomp',
    ...(beside && { beside }),
    byExec: false,
    attempt: async (jobs) => {
      await using job = await jobs.open({ spec: { seccompLevel: level } });
      const present = calls.filter((call) => lacking('seccomp.call', call) === undefined);
      const reached = new Map<string, string>();
      for (const call of present) {
        const { outcome, evidence } = await jobs.probeIn(job, ['seccomp.call', call]);
        if (outcome === 'escaped') {
          reached.set(call, evidence);
        }
      }
      expect([0, present.length]).toContain(reached.size);
      return verdict(reached.size > 0, [...reached.values()].join('; ') || `${present.length} calls`);
    },
  });
}

/** In a user namespace a job is root before code that was long made for root alone. */
const BY_USER_NAMESPACE = {
  fsconfig: 'CVE-2022-0185',
  overlay: 'CVE-2021-3493, CVE-2023-0386',
  nftables: 'CVE-2022-32250, CVE-2024-1086',
  packet: 'CVE-2017-7308, CVE-2020-14386',
  cgroup: 'CVE-2022-0492',
};

for (const [way, faults] of Object.entries(BY_USER_NAMESPACE)) {
  cannotEscape(`reaches no ${way} as root of a user namespace (${faults})`, {
    layer: 'seccomp',
    lacks: () => lacking('seccomp.in-user-namespace', way),
    attempt: atLevel(1, ['seccomp.in-user-namespace', way]),
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
  // Of its three calls none is denied at any level; what is to be shown is that a filter is asked at all.
  test('finds no way past a filter by the vsyscall page', ({ skip }) => {
    skip(lacking('seccomp.vsyscall', 'free') !== undefined, 'this kernel has no vsyscall page');
    expect(lacking('seccomp.vsyscall', 'filter')).toContain('the page asks the filter');
  });

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
