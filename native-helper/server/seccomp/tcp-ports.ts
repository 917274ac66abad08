/**
 * What a level denies besides while a job's TCP ports are limited. Landlock asks at connect(2) and bind(2) of a TCP socket alone (landlock(7),
 * security/landlock/net.c); here are the ways to a TCP connection on which it is not asked.
 */
import {
  AF_INET,
  AF_INET6,
  AF_NETLINK,
  AF_UNIX,
  IPPROTO_TCP,
  MPTCP,
  MSG_FASTOPEN,
  TCP_ULP,
} from './constants.ts';
import type { Condition, Profile, Rule, SyscallName } from './profile.ts';

const withoutFastOpen = (call: SyscallName, argument: Condition['argument']): Rule => ({
  calls: [call],
  answer: 'allow',
  when: [[{ argument, mask: MSG_FASTOPEN, in: [0] }]],
  reason: 'connects while it sends',
});

const RULES: readonly Rule[] = [
  withoutFastOpen('sendto', 3),
  withoutFastOpen('sendmsg', 2),
  withoutFastOpen('sendmmsg', 3),
  {
    calls: ['setsockopt'],
    answer: 'allow',
    when: [[{ argument: 1, notIn: [IPPROTO_TCP] }], [{ argument: 2, notIn: [TCP_ULP] }]],
    reason: 'makes a socket of another protocol (smc) of a TCP socket',
  },
  {
    calls: ['io_uring_setup', 'io_uring_enter', 'io_uring_register'],
    answer: 'deny',
    reason: 'makes sockets and sends without a call that a filter sees',
  },
];

/** Families whose streams can't become TCP in the kernel, as those of SMC and RDS do, and of the internet all protocols but MPTCP. */
const SOCKETS: Rule = {
  calls: ['socket'],
  answer: 'allow',
  when: [
    [{ argument: 0, in: [AF_UNIX, AF_NETLINK] }],
    [
      { argument: 0, in: [AF_INET, AF_INET6] },
      { argument: 2, notIn: [MPTCP] },
    ],
  ],
  reason: 'MPTCP falls back to TCP, and other families carry their streams over it',
};

/** Level 0 as a profile: for what is denied whatever the level. */
const UNLIMITED: Profile = { level: 0, unlisted: 'allow', rules: [] };

/** @param profile of a level; undefined: of level 0, which has none. */
export function withTcpPorts(profile: Profile = UNLIMITED): Profile {
  return { ...profile, rules: [...profile.rules, ...RULES, socketsOf(profile)] };
}

/** What a level allows of sockets it allows no more of: both have to hold. */
function socketsOf({ rules }: Profile): Rule {
  const own = rules.findLast(({ calls }) => calls.includes('socket'));
  if (own?.answer !== 'allow' || own.when === undefined) {
    return SOCKETS;
  }
  const [first, ...others] = own.when.map(
    (alternative) => [...alternative, { argument: 2, notIn: [MPTCP] }] as const,
  );
  return first === undefined ? SOCKETS : { ...own, when: [first, ...others] };
}
