/**
 * Level 1: what changes the machine, or leads out of a sandbox. An ordinary program misses nothing of it but namespaces and
 * setuid files of its own.
 */
import {
  CLONE_NAMESPACES,
  NAMESPACES,
  O_CREATES,
  SET_ID_BITS,
  TIOCLINUX,
  TIOCSETD,
  TIOCSTI,
} from '../constants.ts';
import type { Alternative, Condition, Profile } from '../profile.ts';

const SETUID_REASON = "a file that lends its owner's rights to whoever starts it";

const withoutSetId = (argument: Condition['argument']): Alternative => [
  { argument, mask: SET_ID_BITS, in: [0] },
];
/** A mode that open(2) doesn't heed may be whatever stood in the register. */
const creatingNothing = (argument: Condition['argument']): Alternative => [
  { argument, mask: O_CREATES, in: [0] },
];

export const LEVEL_1: Profile = {
  level: 1,
  unlisted: 'allow',
  rules: [
    {
      calls: [
        'init_module',
        'finit_module',
        'delete_module',
        'create_module',
        'query_module',
        'get_kernel_syms',
      ],
      answer: 'deny',
      isPrivileged: true,
      reason: 'code in the kernel',
    },
    {
      calls: ['kexec_load', 'kexec_file_load'],
      answer: 'deny',
      isPrivileged: true,
      reason: 'another kernel',
    },
    {
      calls: [
        'mount',
        'umount2',
        'pivot_root',
        'open_tree',
        'open_tree_attr',
        'move_mount',
        'fsopen',
        'fsconfig',
        'fsmount',
        'fspick',
        'mount_setattr',
      ],
      answer: 'deny',
      isPrivileged: true,
      reason: 'mounts are what hides the host from the job',
    },
    {
      calls: ['chroot'],
      answer: 'deny',
      isPrivileged: true,
      reason: 'another root folder, and the ways out of one',
    },
    {
      calls: ['open_by_handle_at'],
      answer: 'deny',
      isPrivileged: true,
      reason: 'opens any file of a file system, whatever of it is mounted here (the way out called Shocker)',
    },
    {
      calls: ['setns'],
      answer: 'deny',
      isPrivileged: true,
      reason: "somebody else's namespaces",
    },
    {
      calls: ['unshare'],
      answer: 'allow',
      when: [[{ argument: 0, mask: NAMESPACES, in: [0] }]],
      reason:
        'in a user namespace of its own a job has all capabilities, and reaches code that is made for root',
    },
    {
      calls: ['clone'],
      answer: 'allow',
      when: [[{ argument: 0, mask: CLONE_NAMESPACES, in: [0] }]],
      reason: 'makes namespaces as unshare does',
    },
    {
      calls: ['clone3'],
      answer: 'missing',
      reason: 'its flags lie in memory, which no filter sees; libc uses clone instead',
    },
    {
      calls: ['chmod', 'fchmod', 'creat', 'mknod'],
      answer: 'allow',
      when: [withoutSetId(1)],
      reason: SETUID_REASON,
    },
    {
      calls: ['fchmodat', 'fchmodat2', 'mknodat'],
      answer: 'allow',
      when: [withoutSetId(2)],
      reason: SETUID_REASON,
    },
    { calls: ['open'], answer: 'allow', when: [withoutSetId(2), creatingNothing(1)], reason: SETUID_REASON },
    {
      calls: ['openat'],
      answer: 'allow',
      when: [withoutSetId(3), creatingNothing(2)],
      reason: SETUID_REASON,
    },
    {
      calls: ['openat2'],
      answer: 'missing',
      reason: 'its mode lies in memory, which no filter sees; programs use openat instead',
    },
    {
      calls: ['io_uring_setup', 'io_uring_enter', 'io_uring_register'],
      answer: 'deny',
      reason: 'carries out calls that no filter sees, so none of the rules above would hold',
    },
    {
      calls: ['ioctl'],
      answer: 'allow',
      when: [[{ argument: 1, notIn: [TIOCSTI, TIOCLINUX, TIOCSETD] }]],
      reason:
        'types into a terminal, whose other end is a shell of the user (CVE-2017-5226), or loads a line discipline (CVE-2017-2636)',
    },
  ],
};
