/**
 * How fast a hundred jobs may print at once: a write(2) of 64 bytes for each line, and writes of 4 KiB; each writer's pipe into the log of its
 * job, against the same pipe into a `cat` of its own. The figure is that of the worse of both.
 */
import { LogPipes } from './log-pipes.ts';
import { alternating, describe, type Measurement, median, rounded } from './measurement.ts';

const WRITERS = 100;
const PAIRS = 3;
const BAR = 0.7;
const LINE = 64;

const WRITES = [
  { bytes: LINE, each: 2 * 2 ** 20 },
  { bytes: 4096, each: 16 * 2 ** 20 },
] as const;

export async function run(): Promise<Measurement> {
  await using pipes = await LogPipes.open();
  const measured: { lines: number; peer: number }[] = [];
  for (const { bytes, each } of WRITES) {
    const writer = printer(bytes, each);
    const values = await alternating(
      PAIRS,
      () => pipes.jobs(WRITERS, writer, each),
      () => pipes.cats(WRITERS, writer, each),
    );
    process.stdout.write(`writes of ${bytes} bytes\n`);
    process.stdout.write(`${describe('joblet', values.ours, 'ms')}\n${describe('cat', values.peer, 'ms')}\n`);
    const linesPerSecond = (milliseconds: readonly number[]) =>
      ((WRITERS * each) / LINE / median(milliseconds)) * 1000;
    const [lines, peer] = [linesPerSecond(values.ours), linesPerSecond(values.peer)];
    process.stdout.write(`lines of ${LINE} bytes/s: joblet ${rounded(lines)}, cat ${rounded(peer)}\n`);
    measured.push({ lines, peer });
  }
  const worst = measured.reduce((least, each) =>
    each.lines / each.peer < least.lines / least.peer ? each : least,
  );
  const ratio = worst.lines / worst.peer;
  const against = `${WRITERS} × cat > file`;
  return {
    name: 'log-many',
    figure: worst.lines,
    unit: 'lines/s',
    against,
    peer: worst.peer,
    ratio,
    bar: `>= ${BAR}`,
    ok: ratio >= BAR,
  };
}

/** One write(2) for each block of lines. */
function printer(bytes: number, total: number): string {
  const lines = bytes / LINE;
  return `perl -e '$block = ("x" x ${LINE - 1} . "\\n") x ${lines}; syswrite STDOUT, $block for 1..${total / bytes}'`;
}
