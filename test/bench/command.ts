/** `joblet job run` on a warm helper as a whole process, from its start to its exit, against a Node that does nothing. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { JOBLET } from '../fixtures/dist.ts';
import { RunningHelper } from '../fixtures/running-helper.ts';
import { alternating, describe, type Measurement, median, timed } from './measurement.ts';

const PAIRS = 40;
const BAR_MS = 150;

async function wholeProcess(program: string, args: readonly string[]): Promise<number> {
  return timed(async () => {
    const [code] = await once(spawn(program, args, { stdio: 'ignore' }), 'exit');
    if (code !== 0) {
      throw new Error(`${program} ${args.join(' ')} exited with ${code}`);
    }
  });
}

export async function run(): Promise<Measurement> {
  await using helper = await RunningHelper.start();
  const jobRun = () => wholeProcess(JOBLET, ['--root', helper.root, 'job', 'run', 'true']);
  // Node keeps the compiled code of a program when its first run ends.
  await jobRun();
  const values = await alternating(PAIRS, jobRun, () => wholeProcess(process.execPath, ['--eval', '0']));
  process.stdout.write(
    `${describe('joblet job run', values.ours, 'ms')}\n${describe('node --eval 0', values.peer, 'ms')}\n`,
  );
  const [figure, peer] = [median(values.ours), median(values.peer)];
  const against = 'a Node that does nothing';
  const bar = `<= ${BAR_MS} ms`;
  return {
    name: 'command',
    figure,
    unit: 'ms',
    against,
    peer,
    ratio: figure / peer,
    bar,
    ok: figure <= BAR_MS,
  };
}
