import { closeSync, writeSync } from 'node:fs';
import { constants } from 'node:os';
import { checked, declare, lastErrno, once, systemCallError } from './library.ts';

/** <linux/memfd.h>; the last two are known since Linux 6.3, and older kernels answer EINVAL. */
const MFD_CLOEXEC = 0x01;
const MFD_ALLOW_SEALING = 0x02;
const MFD_NOEXEC_SEAL = 0x08;
const MFD_EXEC = 0x10;

/** <linux/fcntl.h>: no further seal, no shrinking, growing or writing; since Linux 6.3 no change of the x bits. */
const F_ADD_SEALS = 1033;
const SEALS = 0x01 | 0x02 | 0x04 | 0x08;
const F_SEAL_EXEC = 0x20;

const native = once(() => ({
  memfdCreate: declare<(name: string, flags: number) => number>(
    'int memfd_create(const char *name, uint32_t flags)',
  ),
  fcntl: declare<(fd: number, command: number, type: 'int', argument: number) => number>(
    'int fcntl(int fd, int command, ...)',
  ),
}));

/**
 * A file in memory that nobody can change any more, not even root and not through another descriptor: what runs from
 * it can't be overwritten (CVE-2019-5736).
 *
 * @param use whether it will be executed; a kernel with `vm.memfd_noexec` wants to know.
 * @returns its descriptor, positioned at the start, close-on-exec.
 */
export function createSealedMemfd(
  name: string,
  bytes: Uint8Array,
  use: 'executable' | 'data' = 'executable',
): number {
  const fd = createMemfd(name, use === 'executable' ? MFD_EXEC : MFD_NOEXEC_SEAL);
  try {
    for (let written = 0; written < bytes.length; ) {
      written += writeSync(fd, bytes, written, bytes.length - written, written);
    }
    addSeals(fd, name);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function createMemfd(name: string, executableFlag: number): number {
  const { memfdCreate } = native();
  const fd = memfdCreate(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | executableFlag);
  if (fd >= 0 || lastErrno() !== constants.errno.EINVAL) {
    return checked(fd, 'memfd_create', name);
  }
  return checked(memfdCreate(name, MFD_CLOEXEC | MFD_ALLOW_SEALING), 'memfd_create', name);
}

function addSeals(fd: number, name: string): void {
  const { fcntl } = native();
  if (fcntl(fd, F_ADD_SEALS, 'int', SEALS | F_SEAL_EXEC) === 0) {
    return;
  }
  const errno = lastErrno();
  if (errno !== constants.errno.EINVAL) {
    throw systemCallError('fcntl F_ADD_SEALS', name, errno);
  }
  checked(fcntl(fd, F_ADD_SEALS, 'int', SEALS), 'fcntl F_ADD_SEALS', name);
}
