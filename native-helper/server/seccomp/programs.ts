/** The compiled filters of this machine's architecture. */
import type { SeccompProgram } from '../plan/plan.ts';
import { compileProfile, encodeInstructions } from './compile.ts';
import { profileOf } from './levels.ts';
import type { Architecture, Profile } from './profile.ts';
import { withTcpPorts } from './tcp-ports.ts';

/** By level. */
const programs = new Map<number, SeccompProgram>();
const programsWithTcpPorts = new Map<number, SeccompProgram>();

/**
 * The filter of a level, compiled at its first job.
 *
 * @returns undefined for level 0, which has none.
 * @throws RangeError when there is no such level.
 */
export function seccompProgram(level: number): SeccompProgram | undefined {
  return level === 0 ? undefined : programOf(level, programs, () => profileOf(level));
}

/** As `seccompProgram`, of a job whose TCP ports are limited: it has a filter at level 0, too. */
export function seccompProgramWithTcpPorts(level: number): SeccompProgram {
  return programOf(level, programsWithTcpPorts, () =>
    withTcpPorts(level === 0 ? undefined : profileOf(level)),
  );
}

function programOf(
  level: number,
  compiled: Map<number, SeccompProgram>,
  profile: () => Profile,
): SeccompProgram {
  const known = compiled.get(level);
  if (known !== undefined) {
    return known;
  }
  const instructions = encodeInstructions(compileProfile(profile(), ownArchitecture()));
  const program = { log: false, listen: true, level, instructions };
  compiled.set(level, program);
  return program;
}

export function ownArchitecture(): Architecture {
  return process.arch === 'arm64' ? 'arm64' : 'x64';
}
