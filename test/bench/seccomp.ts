/**
 * What the filter of each level adds to a cheap system call, against what a program of seven instructions adds: an architecture, a number
 * and their answers, the least that a filter can be. Both are measured by the executor, as `joblet doctor` does it, taking turns.
 */
import { closeSync } from 'node:fs';
import { createSealedMemfd } from '../../native-helper/kernel/memfd.ts';
import { loadAssets } from '../../native-helper/server/assets.ts';
import { encodeInstructions, type Instruction } from '../../native-helper/server/seccomp/compile.ts';
import { measureFilter } from '../../native-helper/server/seccomp/cost.ts';
import { PROFILES } from '../../native-helper/server/seccomp/levels.ts';
import { ownArchitecture, seccompProgram } from '../../native-helper/server/seccomp/programs.ts';
import { alternating, describe, type Measurement, quantile } from './measurement.ts';

const PAIRS = 60;
/** What else the machine does makes a call slower by one of a few steps, never faster: that of the quiet quarter is the filter's own. */
const QUIET_SHARE = 0.25;
const BAR_NS = 3;

/** <linux/bpf_common.h>, <linux/seccomp.h>, <linux/audit.h> */
const LOAD_WORD = 0x20;
const JUMP_EQUAL = 0x15;
const RETURN = 0x06;
const ALLOW = 0x7fff_0000;
const ERRNO_EPERM = 0x0005_0001;
const AUDIT_ARCH = { x64: 0xc000_003e, arm64: 0xc000_00b7 };
/** <asm/unistd.h> */
const REBOOT = { x64: 169, arm64: 142 };

function sevenInstructions(): Buffer {
  const architecture = ownArchitecture();
  const step = (code: number, operand: number, ifTrue = 0, ifFalse = 0): Instruction => ({
    code,
    ifTrue,
    ifFalse,
    operand,
  });
  return encodeInstructions([
    step(LOAD_WORD, 4),
    step(JUMP_EQUAL, AUDIT_ARCH[architecture], 1, 0),
    step(RETURN, ERRNO_EPERM),
    step(LOAD_WORD, 0),
    step(JUMP_EQUAL, REBOOT[architecture], 0, 1),
    step(RETURN, ERRNO_EPERM),
    step(RETURN, ALLOW),
  ]);
}

export async function run(): Promise<Measurement> {
  const executorFd = createSealedMemfd('joblet-executor', loadAssets().executor);
  // The processor's clock steps between one child and the next, by more than the bar: only within a child do two figures compare.
  const addedBy = async (program: Uint8Array) => {
    const { bareNs, filteredNs } = await measureFilter(executorFd, program);
    return filteredNs - bareNs;
  };
  try {
    const least = sevenInstructions();
    const levels: { ours: number; peer: number }[] = [];
    for (const { level } of PROFILES) {
      const program = seccompProgram(level)?.instructions ?? Buffer.alloc(0);
      const { ours, peer } = await alternating(
        PAIRS,
        () => addedBy(program),
        () => addedBy(least),
      );
      process.stdout.write(
        `${describe(`level ${level} adds`, ours, 'ns')}\n${describe('seven instructions add', peer, 'ns')}\n`,
      );
      levels.push({ ours: quantile(ours, QUIET_SHARE), peer: quantile(peer, QUIET_SHARE) });
    }
    return measurementOf(levels);
  } finally {
    closeSync(executorFd);
  }
}

/** Of the level that adds the most. */
function measurementOf(levels: readonly { ours: number; peer: number }[]): Measurement {
  const [worst] = levels.toSorted((one, other) => other.ours - other.peer - (one.ours - one.peer));
  if (worst === undefined) {
    throw new Error('there is no level');
  }
  const { ours: figure, peer } = worst;
  return {
    name: 'seccomp',
    figure,
    unit: 'ns',
    against: 'a filter of seven instructions',
    peer,
    ratio: figure / peer,
    bar: `<= ${BAR_NS} ns more`,
    ok: figure - peer <= BAR_NS,
  };
}
