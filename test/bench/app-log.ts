/**
 * Whether the window stays usable while it shows a job that prints 100 MB/s for a minute: from a key to the frame after it, at
 * the 95th percentile. Xvfb has no graphics card, so that everything is drawn by the processor, which the job wants too.
 */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { create } from '@bufbuild/protobuf';
import { JobSpecSchema } from '../../native-helper/api/gen/joblet_pb.js';
import { RunningHelper } from '../fixtures/running-helper.ts';
import { AppWindow, Display } from './app-window.ts';
import { describe, type Measurement, quantile } from './measurement.ts';

const CHECKOUT = join(import.meta.dirname, '../..');
const MINUTE_MS = 60_000;
const KEY_EVERY_MS = 250;
const BAR_MS = 50;
const NAME = 'flood';

/** Rows on the screen at one time: of as many lines, one says when it was written. */
const ROWS = 20;
/** Of the 6 GB that it wants to print, how much the job must get rid of. */
const LEAST_MB = 5400;
/** The view may skip, and never stand still. */
const LONGEST_STANDSTILL_MS = 2000;

/** 1 MB of lines a hundred times a second, by the clock and not by sleeping: who can't keep up is not waited for. */
const FLOOD = `use Time::HiRes qw(time sleep); $| = 1; my $begin = time; my $count = 0; my $others = ("x" x 99 . "\\n") x ${ROWS - 1};
while (time - $begin < 60) {
  my $told = sprintf("at %.3f ", time); $told .= "x" x (99 - length $told) . "\\n";
  syswrite STDOUT, ($told . $others) x ${10_000 / ROWS};
  $count++; my $early = $begin + $count / 100 - time; sleep $early if $early > 0;
}
print STDERR "wrote $count blocks\\n";`;

/** Runs in the page: the newest time that the rows on the screen tell, ms since the epoch. */
const NEWEST_SHOWN = `Math.max(0, ...[...document.querySelectorAll('.log-lines .row')].map(
  ({ textContent }) => Number(/^at ([0-9.]+) /.exec(textContent)?.[1] ?? 0) * 1000))`;

/** Runs in the page. The task after a frame's callbacks runs once the frame has been painted. */
const RECORD_LATENCIES = `globalThis.latencies = [];
addEventListener('keydown', ({ timeStamp }) => {
  requestAnimationFrame(() => setTimeout(() => latencies.push(performance.now() - timeStamp)));
});`;

export async function run(): Promise<Measurement> {
  await using helper = await RunningHelper.start();
  await using display = await Display.start();
  const client = await helper.connect();
  try {
    await using window = await AppWindow.start(display, [CHECKOUT, `--root=${helper.root}`]);
    await window.untilMark('usable');
    const spec = create(JobSpecSchema, { name: NAME, command: 'perl', args: ['-e', FLOOD] });
    const { uuid } = await client.jobs.runJob({ spec });
    await window.page.getByRole('row', { name: NAME }).dblclick();
    await window.page.getByRole('heading', { name: NAME }).waitFor();
    const { latencies, delays, standstillMs } = await pressKeys(window);
    const job = await client.jobs.getJob({ id: uuid });
    const written = Number(job.logBytes) / 1e6;
    process.stdout.write(`${describe('from a key to the frame', latencies, 'ms')}\n`);
    process.stdout.write(`${describe('from the write of a line to its sight', delays, 'ms')}\n`);
    process.stdout.write(
      `the log holds ${Math.round(written)} MB; the view stood still for ${Math.round(standstillMs)} ms at most\n`,
    );
    const figure = quantile(latencies, 0.95);
    const against = 'bar: p95 while a job prints';
    return {
      name: 'app-log',
      figure,
      unit: 'ms',
      against,
      peer: BAR_MS,
      ratio: figure / BAR_MS,
      bar: `<= ${BAR_MS} ms`,
      ok: figure <= BAR_MS && standstillMs <= LONGEST_STANDSTILL_MS && written >= LEAST_MB,
    };
  } finally {
    client.close();
  }
}

interface Observed {
  /** From a key to the frame after it, ms. */
  readonly latencies: readonly number[];
  /** From the write of a line to when it was seen on the screen, ms. */
  readonly delays: readonly number[];
  /** The longest time in which the screen showed nothing new. */
  readonly standstillMs: number;
}

async function pressKeys({ page }: AppWindow): Promise<Observed> {
  await page.evaluate(RECORD_LATENCIES);
  const delays: number[] = [];
  const begin = Date.now();
  let [newest, seenAt, standstillMs] = [0, begin, 0];
  while (Date.now() < begin + MINUTE_MS) {
    await page.keyboard.press('F9');
    const shown = await page.evaluate<number>(NEWEST_SHOWN);
    const now = Date.now();
    standstillMs = Math.max(standstillMs, now - seenAt);
    if (shown > newest) {
      [newest, seenAt] = [shown, now];
      delays.push(now - shown);
    }
    await delay(KEY_EVERY_MS);
  }
  return { latencies: await page.evaluate<number[]>('latencies'), delays, standstillMs };
}
