/** A denied call in words: its name, and the smallest change with which it would reach the kernel. */
import { PROFILES } from './levels.ts';
import { type Architecture, callName, ruleFor } from './profile.ts';

/** Of what is denied while TCP ports are limited, whatever the level (tcp-ports.ts). */
const WITHOUT_PORTS = 'no --allow-connect and no --allow-bind';

/** docs/monitor-protocol.md: i386 or x32 on x86-64, AArch32 on arm64. */
export const FOREIGN_CALL = -1;

export interface Explanation {
  readonly call: string;
  /** Empty: no level helps, because the kernel asks for a capability that no job has. */
  readonly mend: string;
}

/** @param level at which it was denied. */
export function explainDenial(architecture: Architecture, level: number, number: number): Explanation {
  if (isAllowed(architecture, level, number)) {
    return { call: callName(architecture, number) ?? 'a call of another ABI', mend: WITHOUT_PORTS };
  }
  if (number === FOREIGN_CALL) {
    return { call: 'a call of another ABI', mend: '--seccomp 0' };
  }
  const call = callName(architecture, number) ?? `call ${number}`;
  return { call, mend: isPrivileged(call) ? '' : `--seccomp ${levelWithout(architecture, level, number)}` };
}

/** The highest level below that doesn't deny the call, by a rule that is not the same. */
function levelWithout(architecture: Architecture, level: number, number: number): number {
  const rules = PROFILES.map((profile) => ({
    level: profile.level,
    rule: ruleFor(profile, architecture)(number),
  }));
  const denying = rules.find((each) => each.level === level)?.rule;
  const others = rules.filter(
    (each) => each.level < level && each.rule !== denying && each.rule.answer !== 'deny',
  );
  return Math.max(0, ...others.map((each) => each.level));
}

/** By the level itself, with any arguments. */
function isAllowed(architecture: Architecture, level: number, number: number): boolean {
  const profile = PROFILES.find((each) => each.level === level);
  if (profile === undefined) {
    return true;
  }
  const rule = number === FOREIGN_CALL ? undefined : ruleFor(profile, architecture)(number);
  return rule?.answer === 'allow' && rule.when === undefined;
}

function isPrivileged(call: string): boolean {
  return PROFILES.some(({ rules }) =>
    rules.some(({ calls, isPrivileged = false }) => isPrivileged && calls.some((each) => each === call)),
  );
}
