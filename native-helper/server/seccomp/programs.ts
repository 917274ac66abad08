/** The compiled filters of this machine's architecture. */
import type { SeccompProgram } from '../plan/plan.ts';
import { compileProfile, encodeInstructions } from './compile.ts';
import { profileOf } from './levels.ts';
import type { Architecture } from './profile.ts';

const programs = new Map<number, SeccompProgram>();

/**
 * The filter of a level, compiled at its first job.
 *
 * @returns undefined for level 0, which has none.
 * @throws RangeError when there is no such level.
 */
export function seccompProgram(level: number): SeccompProgram | undefined {
  const known = programs.get(level);
  if (known !== undefined || level === 0) {
    return known;
  }
  const instructions = encodeInstructions(compileProfile(profileOf(level), ownArchitecture()));
  const program = { log: false, listen: true, level, instructions };
  programs.set(level, program);
  return program;
}

export function ownArchitecture(): Architecture {
  return process.arch === 'arm64' ? 'arm64' : 'x64';
}
