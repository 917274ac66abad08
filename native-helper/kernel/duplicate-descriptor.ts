import { checked, declare, once } from './library.ts';

/** <fcntl.h>; the same on x86-64 and arm64. */
const F_DUPFD_CLOEXEC = 1030;

const fcntl = once(() =>
  declare<(fd: number, command: number, type: 'int', argument: number) => number>(
    'int fcntl(int fd, int command, ...)',
  ),
);

/**
 * Another descriptor of the same open file, close-on-exec: whoever asks for it closes it.
 *
 * @param lowest its number is at least this.
 */
export function duplicateDescriptor(fd: number, lowest = 0): number {
  return checked(fcntl()(fd, F_DUPFD_CLOEXEC, 'int', lowest), 'fcntl F_DUPFD_CLOEXEC', `descriptor ${fd}`);
}
