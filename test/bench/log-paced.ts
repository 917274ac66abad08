/**
 * How many jobs may print 5000 lines a second, each line by a write(2) that does not wait: so many that less than 1 % of the writes find no
 * room, no writer falls behind, and no line is lost. The same writers, each into a `cat` of its own, are what the machine can do.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RunningHelper } from '../fixtures/running-helper.ts';
import { type Measurement, rounded } from './measurement.ts';
import { type Paced, PacedCats, PacedJobs, type PacedSide } from './paced-writers.ts';

const LINES_PER_SECOND = 5000;
/** Where the bar lies; from there it goes up as long as they hold, or else down. */
const FIRST_COUNT = 200;
const STEPS_UP = [300, 400, 600];
const STEPS_DOWN = [150, 100, 75, 50, 25, 10];
const BAR = 1_000_000;
const MOST_REFUSED = 0.01;
/** Of the time of the run: a writer that ends later has not had its pace. */
const MOST_LATE = 0.05;

export async function run(): Promise<Measurement> {
  const folder = mkdtempSync(join(tmpdir(), 'paced-'));
  const program = join(folder, 'paced-writer');
  execFileSync('gcc', ['-O2', '-static', '-o', program, join(import.meta.dirname, 'paced-writer.c')]);
  await using helper = await RunningHelper.start();
  using jobs = await PacedJobs.open(helper.root, program);
  const figure = await mostLines(jobs);
  const peer = await mostLines(new PacedCats(program));
  return {
    name: 'log-paced',
    figure,
    unit: 'lines/s',
    against: 'the same writers, each into cat > file',
    peer,
    ratio: figure / peer,
    bar: `>= ${BAR}`,
    ok: figure >= BAR,
  };
}

/** @returns lines a second of the most writers that held; 0 = not even the fewest. */
async function mostLines(side: PacedSide): Promise<number> {
  const isHeld = await holds(side, FIRST_COUNT);
  let most = isHeld ? FIRST_COUNT : 0;
  for (const count of isHeld ? STEPS_UP : STEPS_DOWN) {
    const isThisHeld = await holds(side, count);
    most = isThisHeld ? count : most;
    if (isThisHeld !== isHeld) {
      break;
    }
  }
  return most * LINES_PER_SECOND;
}

async function holds(side: PacedSide, count: number): Promise<boolean> {
  const paced: Paced = await side.run(count, LINES_PER_SECOND);
  const refused = paced.refused / paced.written;
  const late = paced.lateMs / paced.tookMs;
  process.stdout.write(
    `${side.name}: ${count} writers, ${count * LINES_PER_SECOND} lines/s: ${rounded(refused * 100)} % found no room, ` +
      `the last was ${paced.lateMs} ms late\n`,
  );
  return refused < MOST_REFUSED && late < MOST_LATE;
}
