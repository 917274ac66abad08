/**
 * How fast one job may print without a pause: a producer's pipe into the log of its job, against the same pipe into `cat` and a file of the
 * same disk. Both write into the page cache; the clock stops when the last byte is in the file.
 */
import { LogPipes } from './log-pipes.ts';
import { alternating, describe, type Measurement, median } from './measurement.ts';

const BYTES = 512 * 2 ** 20;
const PAIRS = 5;
const BAR = 0.7;

export async function run(): Promise<Measurement> {
  await using pipes = await LogPipes.open();
  const writer = `head -c ${BYTES} /dev/zero`;
  const values = await alternating(
    PAIRS,
    () => pipes.jobs(1, writer, BYTES),
    () => pipes.cats(1, writer, BYTES),
  );
  process.stdout.write(`${describe('joblet', values.ours, 'ms')}\n${describe('cat', values.peer, 'ms')}\n`);
  const [figure, peer] = [rateOf(values.ours), rateOf(values.peer)];
  const ratio = figure / peer;
  return {
    name: 'log',
    figure,
    unit: 'MB/s',
    against: 'cat > file',
    peer,
    ratio,
    bar: `>= ${BAR}`,
    ok: ratio >= BAR,
  };
}

const rateOf = (milliseconds: readonly number[]) => BYTES / 1e3 / median(milliseconds);
