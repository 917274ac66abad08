/** What a job costs on this machine, as the doctor tells it: a measurement that fails is told as such. */
import { create } from '@bufbuild/protobuf';
import { type DoctorCheck, DoctorCheckSchema } from '../../api/gen/joblet_pb.js';
import { measureFilter } from '../seccomp/cost.ts';
import { PROFILES } from '../seccomp/levels.ts';
import { seccompProgram } from '../seccomp/programs.ts';
import { measureStart, type StartCostOptions } from './start-cost.ts';

/** One after the other, so that none of them makes another slower. About a second in all. */
export async function costChecks(options: StartCostOptions): Promise<DoctorCheck[]> {
  const checks = [await costOf('cost of a start', async () => startText(await measureStart(options)))];
  for (const { level } of PROFILES) {
    checks.push(await costOf(`cost of level ${level}`, () => levelText(options.launcher.executorFd, level)));
  }
  return checks;
}

function startText(milliseconds: number): string {
  return `${milliseconds.toFixed(1)} ms for a job that does nothing, in its whole sandbox`;
}

async function levelText(executorFd: number, level: number): Promise<string> {
  const { bareNs, filteredNs } = await measureFilter(
    executorFd,
    seccompProgram(level)?.instructions ?? Buffer.alloc(0),
  );
  const more = Math.round(filteredNs - bareNs);
  return `${more >= 0 ? '+' : '−'}${Math.abs(more)} ns a system call, which takes ${Math.round(bareNs)} ns at level 0`;
}

async function costOf(name: string, measure: () => Promise<string>): Promise<DoctorCheck> {
  const check = { name, required: false };
  try {
    return create(DoctorCheckSchema, { ...check, available: true, found: await measure(), mend: '' });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return create(DoctorCheckSchema, {
      ...check,
      available: false,
      found: `could not be measured: ${reason}`,
      mend: 'Look at the other checks, and at the log of the helper.',
    });
  }
}
