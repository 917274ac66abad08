import { checked, declare, once } from './library.ts';

/** <asm-generic/socket.h> */
const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
const SO_PEERGROUPS = 59;

/** Who connected, as the kernel recorded it at connect(2): unix(7). */
export interface PeerCredentials {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

const getsockopt = once(() =>
  declare<(fd: number, level: number, option: number, value: Uint32Array, length: Uint32Array) => number>(
    'int getsockopt(int fd, int level, int option, uint32_t *value, uint32_t *length)',
  ),
);

/** @param fd a connected Unix stream socket. */
export function peerCredentialsOf(fd: number): PeerCredentials {
  const credentials = new Uint32Array(3);
  const length = new Uint32Array([credentials.byteLength]);
  checked(
    getsockopt()(fd, SOL_SOCKET, SO_PEERCRED, credentials, length),
    'getsockopt SO_PEERCRED',
    `descriptor ${fd}`,
  );
  const [pid, uid, gid] = credentials as unknown as [number, number, number];
  return { pid, uid, gid };
}

/** NGROUPS_MAX */
const MOST_GROUPS = 65_536;

/** The supplementary groups of who connected, as the kernel recorded them at connect(2): socket(7). */
export function peerGroupsOf(fd: number): number[] {
  const groups = new Uint32Array(MOST_GROUPS);
  const length = new Uint32Array([groups.byteLength]);
  checked(
    getsockopt()(fd, SOL_SOCKET, SO_PEERGROUPS, groups, length),
    'getsockopt SO_PEERGROUPS',
    `descriptor ${fd}`,
  );
  return [...groups.subarray(0, (length[0] as number) / Uint32Array.BYTES_PER_ELEMENT)];
}
