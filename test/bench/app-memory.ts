/**
 * Whether the app's memory stays flat: half an hour of jobs that start, print and end, with the list shown and a job's page
 * opened now and then. What the processes of the app hold for themselves in the last third, against the first third after
 * warming up. Before it is asked the page clears away what it let go of: V8 lets that lie while there is memory.
 * JOBLET_BENCH_MINUTES shortens it.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { create } from '@bufbuild/protobuf';
import { JobSpecSchema } from '../../native-helper/api/gen/joblet_pb.js';
import { RunningHelper } from '../fixtures/running-helper.ts';
import { AppWindow, Display } from './app-window.ts';
import { type Measurement, median } from './measurement.ts';

const CHECKOUT = join(import.meta.dirname, '../..');
const MINUTES = Number(process.env.JOBLET_BENCH_MINUTES ?? 30);
const JOB_EVERY_MS = 500;
const SAMPLE_EVERY = 20;
const BAR = 1.1;

export async function run(): Promise<Measurement> {
  await using helper = await RunningHelper.start();
  await using display = await Display.start();
  const client = await helper.connect();
  const samples: number[] = [];
  try {
    await using window = await AppWindow.start(display, [CHECKOUT, `--root=${helper.root}`]);
    await window.untilMark('usable');
    const session = await window.page.context().newCDPSession(window.page);
    const end = Date.now() + MINUTES * 60_000;
    for (let count = 1; Date.now() < end; count += 1) {
      const name = `job-${count}`;
      const spec = create(JobSpecSchema, {
        name,
        command: 'sh',
        args: ['-c', 'seq 2000; sleep 1; seq 2000'],
      });
      await client.jobs.runJob({ spec });
      if (count % SAMPLE_EVERY === 0) {
        await visit(window, name);
        await session.send('HeapProfiler.collectGarbage');
        samples.push(privateBytes(window.pid) / 1e6);
      }
      if (count % 100 === 0) {
        await client.jobs.deleteAllJobs({});
      }
      await delay(JOB_EVERY_MS);
    }
  } finally {
    client.close();
  }
  const third = Math.floor(samples.length / 3);
  const figure = median(samples.slice(-third));
  const peer = median(samples.slice(Math.min(third, 3), third + 3));
  process.stdout.write(`MB over time: ${samples.map((each) => Math.round(each)).join(' ')}\n`);
  const ratio = figure / peer;
  return {
    name: 'app-memory',
    figure,
    unit: 'MB',
    against: 'itself in the first third',
    peer,
    ratio,
    bar: `<= ${BAR}`,
    ok: ratio <= BAR,
  };
}

async function visit({ page }: AppWindow, name: string): Promise<void> {
  await page.getByRole('row', { name }).dblclick();
  await page.getByRole('heading', { name }).waitFor();
  await delay(300);
  await page.keyboard.press('Alt+ArrowLeft');
}

/** RssAnon of the process and all its children: proc_pid_status(5). */
function privateBytes(pid: number): number {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8')
      .trim()
      .split(' ')
      .filter((each) => each !== ''),
  );
  const own = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '0';
  return Number(own) * 1024 + children.reduce((sum, child) => sum + privateBytes(Number(child)), 0);
}
