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

/** 1 MB of lines a hundred times a second, by the clock and not by sleeping: who can't keep up is not waited for. */
const FLOOD = `use Time::HiRes qw(time sleep); $| = 1; my $block = ("x" x 99 . "\\n") x 10_000; my $begin = time; my $count = 0;
while (time - $begin < 60) { syswrite STDOUT, $block; $count++; my $early = $begin + $count / 100 - time; sleep $early if $early > 0; }
print STDERR "wrote $count blocks\\n";`;

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
    const latencies = await pressKeys(window);
    const job = await client.jobs.getJob({ id: uuid });
    const written = Number(job.logBytes) / 1e6;
    process.stdout.write(`${describe('from a key to the frame', latencies, 'ms')}\n`);
    process.stdout.write(`the log holds ${Math.round(written)} MB\n`);
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
      ok: figure <= BAR_MS,
    };
  } finally {
    client.close();
  }
}

async function pressKeys({ page }: AppWindow): Promise<number[]> {
  await page.evaluate(RECORD_LATENCIES);
  for (const end = Date.now() + MINUTE_MS; Date.now() < end; await delay(KEY_EVERY_MS)) {
    await page.keyboard.press('F9');
  }
  return await page.evaluate('latencies');
}
