/**
 * Level 2, the default: level 1, and what attacks on the kernel and on other processes need and ordinary programs don't.
 * Compilers, interpreters, browsers' engines, media and network tools run; debuggers and profilers don't.
 */
import {
  AF_INET,
  AF_INET6,
  AF_NETLINK,
  AF_UNIX,
  INTERNET_PROTOCOLS,
  NETLINK_KOBJECT_UEVENT,
  NETLINK_ROUTE,
  PERSONALITIES,
  PR_SET_MM,
  SOCK_DGRAM,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  SOCK_TYPE_MASK,
} from '../constants.ts';
import type { Profile } from '../profile.ts';
import { LEVEL_1 } from './level-1.ts';

export const LEVEL_2: Profile = {
  level: 2,
  unlisted: 'allow',
  rules: [
    ...LEVEL_1.rules,
    {
      calls: ['ptrace', 'process_vm_readv', 'process_vm_writev', 'pidfd_getfd'],
      answer: 'deny',
      reason: 'the memory and the files of other processes',
    },
    {
      calls: ['bpf'],
      answer: 'deny',
      reason: 'programs in the kernel, whose verifier has been deceived again and again',
    },
    {
      calls: ['perf_event_open'],
      answer: 'deny',
      reason: 'watches the processor, other processes and the kernel',
    },
    {
      calls: ['userfaultfd'],
      answer: 'deny',
      reason: 'stops the kernel in the middle of a copy, for as long as a race needs',
    },
    {
      calls: ['keyctl', 'add_key', 'request_key'],
      answer: 'deny',
      reason: "keys that don't belong to a namespace, and code with a long list of faults",
    },
    {
      calls: ['move_pages', 'migrate_pages'],
      answer: 'deny',
      reason: 'says where the memory of other processes lies',
    },
    {
      calls: ['fanotify_init', 'fanotify_mark'],
      answer: 'deny',
      reason: "tells of other processes' files",
    },
    {
      calls: ['modify_ldt'],
      answer: 'deny',
      reason: 'segments for 16-bit programs (CVE-2017-17053)',
    },
    {
      calls: ['iopl', 'ioperm'],
      answer: 'deny',
      isPrivileged: true,
      reason: 'the ports of devices',
    },
    {
      calls: ['swapon', 'swapoff', 'reboot', 'acct', 'quotactl', 'quotactl_fd', 'syslog', 'vhangup'],
      answer: 'deny',
      isPrivileged: true,
      reason: 'the administration of the machine',
    },
    {
      calls: ['settimeofday', 'clock_settime', 'clock_adjtime', 'adjtimex'],
      answer: 'deny',
      isPrivileged: true,
      reason: "the machine's clock",
    },
    {
      calls: ['sethostname', 'setdomainname'],
      answer: 'deny',
      isPrivileged: true,
      reason: "the job's own host name, which its report names",
    },
    {
      calls: ['lookup_dcookie', 'nfsservctl', 'sysfs', 'ustat', 'uselib', '_sysctl'],
      answer: 'deny',
      reason: 'left over from long ago: nothing uses them, and nobody looks after them',
    },
    {
      calls: ['personality'],
      answer: 'allow',
      when: [[{ argument: 0, in: Object.values(PERSONALITIES) }]],
      reason: 'makes all memory executable, or the process that of another system',
    },
    {
      calls: ['prctl'],
      answer: 'allow',
      when: [[{ argument: 0, notIn: [PR_SET_MM] }]],
      reason: 'shows others a program and arguments that it was not started with',
    },
    {
      calls: ['socket'],
      answer: 'allow',
      when: [
        [
          { argument: 0, in: [AF_UNIX] },
          { argument: 1, mask: SOCK_TYPE_MASK, in: [SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET] },
        ],
        [
          { argument: 0, in: [AF_INET, AF_INET6] },
          { argument: 1, mask: SOCK_TYPE_MASK, in: [SOCK_STREAM, SOCK_DGRAM] },
          { argument: 2, in: Object.values(INTERNET_PROTOCOLS) },
        ],
        // A netlink socket's type says nothing; most programs call it raw.
        [
          { argument: 0, in: [AF_NETLINK] },
          { argument: 2, in: [NETLINK_ROUTE, NETLINK_KOBJECT_UEVENT] },
        ],
      ],
      reason:
        'raw and packet sockets see what is not theirs; every other family (vsock, alg, tipc, can …) loads a module that few people use',
    },
  ],
};
