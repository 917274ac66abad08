/**
 * What a security level says about system calls. The levels themselves are data (profiles/, a file each); here is what the
 * data can say, and what it means: `ruleFor` is the plain reading that the compiled program is tested against.
 */
import { SYSCALLS } from './syscall-table.ts';

export type Architecture = keyof typeof SYSCALLS;
/** A call's name; some exist on one of the architectures only. */
export type SyscallName = { [Each in Architecture]: keyof (typeof SYSCALLS)[Each] }[Architecture];

/**
 * One argument's low 32 bits, after `mask`, are one of `in` or none of `notIn`. Of every argument that is checked the kernel
 * itself reads no more than that: it is an int, an unsigned int or a umode_t, or a word all of whose flags lie there. To compare
 * the high half as well would let a call pass that the kernel then carries out (CVE-2019-10063).
 */
export type Condition = {
  readonly argument: 0 | 1 | 2 | 3 | 4 | 5;
  readonly mask?: number;
} & ({ readonly in: readonly number[] } | { readonly notIn: readonly number[] });

/** All of its conditions hold. */
export type Alternative = readonly [Condition, ...Condition[]];

/**
 * - `allow`: the call goes to the kernel, with any arguments or when one of the alternatives holds.
 * - `deny`: EPERM, and the job's record says so. What an alternative doesn't allow is denied as well.
 * - `missing`: ENOSYS, as on a kernel that doesn't have the call, for what libc and programs have another way. Nobody is told:
 *   nothing is lost, and glibc asks for clone3 before each thread.
 */
export type Answer =
  | { readonly answer: 'allow'; readonly when?: readonly [Alternative, ...Alternative[]] }
  | { readonly answer: 'deny' }
  | { readonly answer: 'missing' };

export type Rule = Answer & {
  readonly calls: readonly SyscallName[];
  /** Why; one for all of the calls. */
  readonly reason: string;
  /** The kernel itself refuses it to whoever has no capability, as no job has: no lower level makes it work. */
  readonly isPrivileged?: true;
};

export interface Profile {
  readonly level: number;
  /** Later rules take the place of earlier ones for the same call. */
  readonly rules: readonly Rule[];
  /** What happens to the calls of the table that no rule names. */
  readonly unlisted: 'allow' | 'deny';
}

const ALLOWED: Answer = { answer: 'allow' };
const DENIED: Answer = { answer: 'deny' };
const MISSING: Answer = { answer: 'missing' };

/**
 * The rule of each number of an architecture's table.
 *
 * A number that the table lacks belongs to a kernel that is younger than the table. It is `missing` at every level: nobody has
 * judged it, and a program that knows it also knows kernels without it.
 */
export function ruleFor(profile: Profile, architecture: Architecture): (number: number) => Answer {
  const byName = new Map<string, Rule>();
  for (const rule of profile.rules) {
    for (const call of rule.calls) {
      byName.set(call, rule);
    }
  }
  const unlisted = profile.unlisted === 'allow' ? ALLOWED : DENIED;
  const byNumber = new Map<number, Answer>(
    Object.entries(SYSCALLS[architecture]).map(([name, number]) => [number, byName.get(name) ?? unlisted]),
  );
  return (number) => byNumber.get(number) ?? MISSING;
}

/** @returns undefined for a number that the table lacks. */
export function callName(architecture: Architecture, number: number): string | undefined {
  return Object.entries(SYSCALLS[architecture]).find(([, each]) => each === number)?.[0];
}
