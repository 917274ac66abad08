/** Numbers that the profiles name. They are the same on x86-64 and arm64. */

/** <linux/sched.h>: NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. */
export const CLONE_NAMESPACES = 0x7e02_0000;
/** And NEWTIME, which for clone(2) would be part of the signal's number. */
export const NAMESPACES = CLONE_NAMESPACES | 0x80;

/** <fcntl.h>: what makes open(2) heed its mode. __O_TMPFILE, without the O_DIRECTORY that belongs to it. */
export const O_CREATES = 0o100 | 0o20_000_000;
/** <sys/stat.h>: S_ISUID, S_ISGID. */
export const SET_ID_BITS = 0o6000;

/** <asm-generic/ioctls.h> */
export const TIOCSTI = 0x5412;
export const TIOCLINUX = 0x541c;
export const TIOCSETD = 0x5423;

/** <sys/socket.h> */
export const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_INET6 = 10;
export const AF_NETLINK = 16;
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_SEQPACKET = 5;
/** <linux/net.h>: the type without SOCK_CLOEXEC and SOCK_NONBLOCK. */
export const SOCK_TYPE_MASK = 0xf;
/** <linux/in.h>: the protocols of the internet that need no raw socket; ICMP's are for ping. */
export const INTERNET_PROTOCOLS = {
  default: 0,
  icmp: 1,
  tcp: 6,
  udp: 17,
  icmpv6: 58,
  udpLite: 136,
  mptcp: 262,
};
export const MPTCP = INTERNET_PROTOCOLS.mptcp;
export const IPPROTO_TCP = INTERNET_PROTOCOLS.tcp;
/** <linux/socket.h>, <linux/tcp.h> */
export const MSG_FASTOPEN = 0x2000_0000;
export const TCP_ULP = 31;
/** <linux/netlink.h> */
export const NETLINK_ROUTE = 0;
export const NETLINK_KOBJECT_UEVENT = 15;

/** <sys/personality.h> */
export const PERSONALITIES = {
  linux: 0,
  linux32: 0x8,
  uname26: 0x2_0000,
  uname26Linux32: 0x2_0008,
  noRandomisation: 0x4_0000,
  /** Asks for the present one. */
  query: 0xffff_ffff,
};

/** <linux/prctl.h> */
export const PR_SET_MM = 35;
export const HARMLESS_PRCTL = {
  setDeathSignal: 1,
  getDeathSignal: 2,
  getDumpable: 3,
  setDumpable: 4,
  setName: 15,
  getName: 16,
  getSeccomp: 21,
  readBoundingSet: 23,
  getSecurebits: 27,
  getTimerSlack: 30,
  setSubreaper: 36,
  getSubreaper: 37,
  setNoNewPrivileges: 38,
  getNoNewPrivileges: 39,
  /** The names that allocators give to their memory. */
  setVirtualMemoryName: 0x5356_4d41,
};
