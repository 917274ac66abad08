import { checked, declare, once } from './library.ts';

/** <sys/socket.h>; the same on x86-64 and arm64. */
const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_CLOEXEC = 0o2000000;

const socketpair = once(() =>
  declare<(domain: number, type: number, protocol: number, pair: Int32Array) => number>(
    'int socketpair(int domain, int type, int protocol, int32_t *pair)',
  ),
);

/**
 * Two connected Unix stream sockets, both close-on-exec. Keep one with `new net.Socket({ fd })`, which then owns it;
 * give the other to a child and close it here.
 */
export function createSocketPair(): [kept: number, given: number] {
  const pair = new Int32Array(2);
  checked(socketpair()(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 'socketpair', 'AF_UNIX');
  return [pair[0] as number, pair[1] as number];
}
