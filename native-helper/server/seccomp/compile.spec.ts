import { constants } from 'node:os';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileProfile, encodeInstructions } from './compile.ts';
import { run } from './interpreter.fixture.ts';
import { PROFILES } from './levels.ts';
import { type Answer, type Architecture, type Condition, type Profile, ruleFor } from './profile.ts';
import { SYSCALLS } from './syscall-table.ts';
import { withTcpPorts } from './tcp-ports.ts';

/** <linux/audit.h> */
const AUDIT_ARCH = { x64: 0xc000_003e, arm64: 0xc000_00b7, i386: 0x4000_0003, arm: 0x4000_0028 } as const;
const ALLOW = 0x7fff_0000;
const NOTIFY = 0x7fc0_0000;
const ENOSYS = 0x0005_0000 | constants.errno.ENOSYS;

const ARCHITECTURES = ['x64', 'arm64'] as const;
const WITH_TCP_PORTS = [undefined, ...PROFILES].map(withTcpPorts);
const CASES = [...PROFILES, ...WITH_TCP_PORTS].flatMap((profile) =>
  ARCHITECTURES.map((architecture) => ({
    level: `${profile.level}${WITH_TCP_PORTS.includes(profile) ? ' with limits on TCP ports' : ''}`,
    architecture,
    profile,
    program: compileProfile(profile, architecture),
  })),
);

/** What the data says, without a compiler in between. */
function expected(answer: Answer, args: readonly bigint[]): number {
  if (answer.answer === 'missing') {
    return ENOSYS;
  }
  const isAllowed =
    answer.answer === 'allow' &&
    (answer.when === undefined ||
      answer.when.some((alternative) => alternative.every((condition) => holds(condition, args))));
  return isAllowed ? ALLOW : NOTIFY;
}

function holds(condition: Condition, args: readonly bigint[]): boolean {
  const low = Number((args[condition.argument] ?? 0n) & 0xffff_ffffn);
  const value = condition.mask === undefined ? low : (low & condition.mask) >>> 0;
  return 'in' in condition ? condition.in.includes(value) : !condition.notIn.includes(value);
}

/** Every value that some condition names, and its neighbours, in either half of the argument. */
const BOUNDARIES = [
  ...new Set(
    PROFILES.flatMap(({ rules }) => rules)
      .flatMap((rule) => (rule.answer === 'allow' ? (rule.when ?? []).flat() : []))
      .flatMap((condition) => [
        ...('in' in condition ? condition.in : condition.notIn),
        condition.mask ?? 0,
        (condition.mask ?? 0) & -(condition.mask ?? 0),
      ])
      .flatMap((value) => [value - 1, value, value + 1].map((each) => each >>> 0)),
  ),
];

const half = fc.oneof(fc.constantFrom(...BOUNDARIES), fc.nat({ max: 0xffff_ffff }));
const argument = fc
  .tuple(half, fc.oneof(fc.constant(0), half))
  .map(([low, high]) => BigInt(low) | (BigInt(high) << 32n));
const sixArguments = fc.array(argument, { minLength: 6, maxLength: 6 });

function numbersOf(architecture: Architecture): number[] {
  return Object.values(SYSCALLS[architecture]);
}

describe.each(CASES)('level $level on $architecture', ({ architecture, profile, program }) => {
  const call = (number: number, args: readonly bigint[] = []) =>
    run(program, { architecture: AUDIT_ARCH[architecture], number: number >>> 0, args });

  it('decides as the profile says, for every number and any arguments', () => {
    const answerTo = ruleFor(profile, architecture);
    const last = Math.max(...numbersOf(architecture));
    fc.assert(
      fc.property(sixArguments, (args) => {
        for (let number = 0; number <= last + 2; number += 1) {
          const { result } = call(number, args);
          if (result !== expected(answerTo(number), args)) {
            throw new Error(`call ${number} gave ${result.toString(16)}`);
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    ['a number beyond the table', 512, ENOSYS],
    ['the last one before x32', 0x3fff_ffff, ENOSYS],
    ['x32', 0x4000_0000, architecture === 'x64' ? NOTIFY : ENOSYS],
    ['the last of x32', 0x7fff_ffff, architecture === 'x64' ? NOTIFY : ENOSYS],
    ['a negative number', -1, ENOSYS],
  ])('answers %s', (_what, number, result) => {
    expect(call(number).result).toBe(result);
  });

  it('refuses every call of another ABI', () => {
    for (const other of Object.values(AUDIT_ARCH).filter((each) => each !== AUDIT_ARCH[architecture])) {
      for (const number of numbersOf(architecture)) {
        expect(run(program, { architecture: other, number, args: [] }).result).toBe(NOTIFY);
      }
    }
  });

  it('reads arguments only for the calls whose rules have some, so that a bitmap can answer the rest', () => {
    const answerTo = ruleFor(profile, architecture);
    for (const number of numbersOf(architecture)) {
      const answer = answerTo(number);
      const hasConditions = answer.answer === 'allow' && answer.when !== undefined;
      expect(call(number).readsArguments, String(number)).toBe(hasConditions);
    }
  });

  it('is small, and no call takes long', () => {
    expect(program.length).toBeLessThan(400);
    const steps = numbersOf(architecture).flatMap((number) => {
      const tries = [0n, ...BOUNDARIES.map(BigInt)].map((each) => call(number, Array(6).fill(each)).steps);
      return Math.max(...tries);
    });
    // Two loads and a jump, a tree over at most 128 ranges, and the longest leaf: that of socket.
    expect(Math.max(...steps)).toBeLessThan(3 + 7 + 1 + 24);
  });

  it('is what the kernel takes', () => {
    expect(encodeInstructions(program)).toHaveLength(program.length * 8);
  });
});

describe.each(ARCHITECTURES)('levels on %s', (architecture) => {
  const programs = PROFILES.map((profile) => compileProfile(profile, architecture));

  it('grow: what a level allows, each level below it allows', () => {
    fc.assert(
      fc.property(fc.constantFrom(...numbersOf(architecture)), sixArguments, (number, args) => {
        const results = programs.map(
          (program) => run(program, { architecture: AUDIT_ARCH[architecture], number, args }).result,
        );
        const firstDenial = results.findIndex((result) => result !== ALLOW);
        return firstDenial < 0 || results.slice(firstDenial).every((result) => result !== ALLOW);
      }),
      { numRuns: 20_000 },
    );
  });
});

describe('the profiles', () => {
  const countOf = (profile: Profile, architecture: Architecture, answer: Answer['answer']) =>
    numbersOf(architecture).filter((number) => ruleFor(profile, architecture)(number).answer === answer)
      .length;

  it('name no call that neither architecture has, and none twice with the same words', () => {
    const known: string[] = ARCHITECTURES.flatMap((architecture) => Object.keys(SYSCALLS[architecture]));
    const named = PROFILES.flatMap(({ rules }) => rules.flatMap(({ calls }) => calls));
    expect(named.filter((call) => !known.includes(call))).toEqual([]);
    expect(PROFILES.flatMap(({ rules }) => rules).filter(({ reason }) => reason === '')).toEqual([]);
  });

  it('deny as many calls as the decision says', () => {
    const denied = PROFILES.map((profile) => countOf(profile, 'x64', 'deny'));
    expect(denied[0]).toBeGreaterThanOrEqual(20);
    expect(denied[1]).toBeGreaterThanOrEqual(50);
    expect(countOf(PROFILES[2] as Profile, 'arm64', 'allow')).toBeGreaterThanOrEqual(100);
  });
});
