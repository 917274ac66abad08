/**
 * Profile → a program of classic BPF (seccomp(2), Documentation/userspace-api/seccomp_filter.rst).
 *
 * The architecture is checked first, then the number by a binary search over ranges of numbers that are answered alike; arguments are
 * read in leaves of the tree alone. So the kernel, which runs a program once for each number when it is installed, finds that most
 * numbers are allowed whatever their arguments, and from then on answers those from a bitmap (Linux 5.11).
 */
import {
  type Alternative,
  type Answer,
  type Architecture,
  type Condition,
  type Profile,
  ruleFor,
} from './profile.ts';
import { SYSCALLS } from './syscall-table.ts';

/** <linux/audit.h> */
const AUDIT_ARCH: Record<Architecture, number> = { x64: 0xc000_003e, arm64: 0xc000_00b7 };
/** <asm/unistd.h>: on x86-64 a number with this bit is a call of the x32 ABI. */
const X32_FIRST = 0x4000_0000;
const X32_LAST = 0x7fff_ffff;

/** <linux/seccomp.h> */
const RETURN_ALLOW = 0x7fff_0000;
const RETURN_NOTIFY = 0x7fc0_0000;
const RETURN_ERRNO = 0x0005_0000;
const ENOSYS = 38;

/** <linux/bpf_common.h>: classes, sizes and operations, put together as the instructions here need them. */
const LOAD_WORD = 0x20;
const AND = 0x54;
const JUMP = 0x05;
const JUMP_EQUAL = 0x15;
const JUMP_GREATER_OR_EQUAL = 0x35;
const RETURN = 0x06;
/** A conditional jump's distances are bytes. */
const FARTHEST_CONDITIONAL = 255;

/** struct seccomp_data */
const OFFSET_NUMBER = 0;
const OFFSET_ARCHITECTURE = 4;
const OFFSET_ARGUMENTS = 16;

/** struct sock_filter. Distances are counted from the next instruction, so a piece of a program can lie anywhere. */
export interface Instruction {
  readonly code: number;
  readonly ifTrue: number;
  readonly ifFalse: number;
  readonly operand: number;
}

/** Numbers from `first` up to the next range's, with one answer. */
interface Range {
  readonly first: number;
  readonly leaf: readonly Instruction[];
}

const ALLOW: readonly Instruction[] = [returning(RETURN_ALLOW)];
/** The monitor counts the call and answers EPERM. */
const DENY: readonly Instruction[] = [returning(RETURN_NOTIFY)];
const MISS: readonly Instruction[] = [returning(RETURN_ERRNO | ENOSYS)];

export function compileProfile(profile: Profile, architecture: Architecture): Instruction[] {
  return [
    load(OFFSET_ARCHITECTURE),
    // Another ABI of the same processor: its numbers mean other calls.
    { code: JUMP_EQUAL, ifTrue: 1, ifFalse: 0, operand: AUDIT_ARCH[architecture] },
    ...DENY,
    load(OFFSET_NUMBER),
    ...search(rangesOf(profile, architecture)),
  ];
}

function rangesOf(profile: Profile, architecture: Architecture): Range[] {
  const answerTo = ruleFor(profile, architecture);
  const last = Math.max(...Object.values(SYSCALLS[architecture]));
  const ranges: Range[] = [];
  const add = (first: number, leaf: readonly Instruction[]) => {
    const before = ranges.at(-1);
    if (before === undefined || !isSame(before.leaf, leaf)) {
      ranges.push({ first, leaf });
    }
  };
  for (let number = 0; number <= last + 1; number += 1) {
    add(number, leafFor(answerTo(number)));
  }
  if (architecture === 'x64') {
    add(X32_FIRST, DENY);
    add(X32_LAST + 1, MISS);
  }
  return ranges;
}

function isSame(one: readonly Instruction[], other: readonly Instruction[]): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** A balanced tree: the smaller half is at hand, the other a jump away. */
function search(ranges: readonly Range[]): readonly Instruction[] {
  const middle = ranges.length >> 1;
  const pivot = ranges[middle];
  if (pivot === undefined) {
    throw new RangeError('a search over nothing');
  }
  if (middle === 0) {
    return pivot.leaf;
  }
  const smaller = search(ranges.slice(0, middle));
  const larger = search(ranges.slice(middle));
  const isNear = smaller.length <= FARTHEST_CONDITIONAL;
  const over = smaller.length;
  const branch: readonly Instruction[] = isNear
    ? [{ code: JUMP_GREATER_OR_EQUAL, ifTrue: over, ifFalse: 0, operand: pivot.first }]
    : [
        { code: JUMP_GREATER_OR_EQUAL, ifTrue: 0, ifFalse: 1, operand: pivot.first },
        { code: JUMP, ifTrue: 0, ifFalse: 0, operand: over },
      ];
  return [...branch, ...smaller, ...larger];
}

function leafFor(answer: Answer): readonly Instruction[] {
  switch (answer.answer) {
    case 'deny':
      return DENY;
    case 'missing':
      return MISS;
    case 'allow':
      return answer.when === undefined ? ALLOW : [...answer.when.flatMap(codeOf), ...DENY];
  }
}

/** Allows when all conditions hold; else goes on behind itself. */
function codeOf(alternative: Alternative): readonly Instruction[] {
  const [condition, ...others] = alternative;
  const rest = isAlternative(others) ? codeOf(others) : ALLOW;
  return [...testOf(condition, rest.length), ...rest];
}

function isAlternative(conditions: readonly Condition[]): conditions is Alternative {
  return conditions.length > 0;
}

/** Goes on behind itself when the condition holds; else jumps over the `rest` instructions that follow. */
function testOf(condition: Condition, rest: number): readonly Instruction[] {
  const { argument, mask } = condition;
  const isIn = 'in' in condition;
  const values = isIn ? condition.in : condition.notIn;
  const lowHalf = load(OFFSET_ARGUMENTS + 8 * argument);
  const masked = mask === undefined ? [] : [{ code: AND, ifTrue: 0, ifFalse: 0, operand: mask }];
  const comparisons = values.map((operand, index): Instruction => {
    const left = values.length - 1 - index;
    const isLast = left === 0;
    return isIn
      ? { code: JUMP_EQUAL, ifTrue: left, ifFalse: isLast ? rest : 0, operand }
      : { code: JUMP_EQUAL, ifTrue: left + rest, ifFalse: 0, operand };
  });
  return [lowHalf, ...masked, ...comparisons];
}

function load(offset: number): Instruction {
  return { code: LOAD_WORD, ifTrue: 0, ifFalse: 0, operand: offset };
}

function returning(value: number): Instruction {
  return { code: RETURN, ifTrue: 0, ifFalse: 0, operand: value };
}

/** As the kernel takes them: 8 bytes each. */
export function encodeInstructions(instructions: readonly Instruction[]): Buffer {
  const bytes = Buffer.alloc(instructions.length * 8);
  for (const [index, { code, ifTrue, ifFalse, operand }] of instructions.entries()) {
    bytes.writeUInt16LE(code, index * 8);
    bytes.writeUInt8(ifTrue, index * 8 + 2);
    bytes.writeUInt8(ifFalse, index * 8 + 3);
    bytes.writeUInt32LE(operand, index * 8 + 4);
  }
  return bytes;
}
