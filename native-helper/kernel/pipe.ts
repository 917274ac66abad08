import { checked, declare, once } from './library.ts';

/** <fcntl.h>; the same on x86-64 and arm64. */
const O_CLOEXEC = 0o2000000;
const F_SETPIPE_SZ = 1031;

const pipe2 = once(() =>
  declare<(ends: Int32Array, flags: number) => number>('int pipe2(int32_t *ends, int flags)'),
);
const fcntl = once(() =>
  declare<(fd: number, command: number, type: 'int', argument: number) => number>(
    'int fcntl(int fd, int command, ...)',
  ),
);

/**
 * pipe(7), both ends close-on-exec.
 *
 * @param bytes that it takes before its writer waits; where the kernel gives fewer (pipe-user-pages-soft), it is smaller.
 */
export function createPipe(bytes: number): { readonly readEnd: number; readonly writeEnd: number } {
  const ends = new Int32Array(2);
  checked(pipe2()(ends, O_CLOEXEC), 'pipe2', 'pipe');
  const [readEnd, writeEnd] = [ends[0] as number, ends[1] as number];
  fcntl()(writeEnd, F_SETPIPE_SZ, 'int', bytes);
  return { readEnd, writeEnd };
}
