import { getSystemErrorName } from 'node:util';
import { declare, lastErrno, once } from './library.ts';

/** The system calls that came after Linux 5.0 have one number on every architecture: <asm-generic/unistd.h>. */
const NUMBER = {
  open_tree: 428,
  move_mount: 429,
  clone3: 435,
  close_range: 436,
  mount_setattr: 442,
  landlock_create_ruleset: 444,
} as const;

export type ProbedSystemCall = Exclude<keyof typeof NUMBER, 'landlock_create_ruleset'>;

/** landlock(7): asks for the ABI version in place of a rule set. */
const LANDLOCK_CREATE_RULESET_VERSION = 1n;

const syscall = once(() =>
  declare<(number: number, a: bigint, b: bigint, c: bigint, d: bigint, e: bigint) => number>(
    'long syscall(long number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)',
  ),
);

const INVALID = 0xffff_ffff_ffff_ffffn;

/**
 * Calls it with arguments that it can only refuse.
 *
 * @returns the errno name: `ENOSYS` when the kernel does not have it, `EPERM` when a filter forbids it.
 */
export function probeSystemCall(name: ProbedSystemCall): string {
  // Each refuses a null pointer, unknown flags or a size of zero before it does anything.
  const other = name === 'clone3' ? 0n : INVALID;
  const result = syscall()(NUMBER[name], other, 0n, other, 0n, 0n);
  return result < 0 ? getSystemErrorName(-lastErrno()) : 'answered';
}

/** @returns 0 when the kernel has no Landlock, or it is switched off. */
export function landlockAbi(): number {
  const version = syscall()(NUMBER.landlock_create_ruleset, 0n, 0n, LANDLOCK_CREATE_RULESET_VERSION, 0n, 0n);
  return Math.max(0, version);
}
