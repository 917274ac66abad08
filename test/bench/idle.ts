/** What the helper costs while it does nothing. */
import { setTimeout as delay } from 'node:timers/promises';
import {
  anonymousBytes,
  childrenOf,
  contextSwitches,
  proportionalBytes,
} from '../fixtures/process-figures.ts';
import { RunningHelper } from '../fixtures/running-helper.ts';
import { Connection } from './connection.ts';
import { type Measurement, rounded } from './measurement.ts';

const MB = 1_000_000;
const CALLS = 10_000;
const CALLS_AT_ONE_TIME = 16;
/** Long enough for V8 to give back what starting took. */
const SETTLE_MS = 10_000;
const WATCH_SECONDS = 60;

interface Figure {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  readonly bar: number;
}

export async function run(): Promise<Measurement> {
  await using helper = await RunningHelper.start();
  await delay(SETTLE_MS);
  const atRest = {
    what: 'RssAnon at rest, called once',
    value: anonymousBytes(helper.pid) / MB,
    unit: 'MB',
    bar: 48,
  };
  const figures: Figure[] = [atRest, await switchesPerSecond(helper.pid)];
  {
    using connection = new Connection(helper.root);
    await callMany(connection);
    figures.push({
      what: `RssAnon after ${CALLS} calls`,
      value: anonymousBytes(helper.pid) / MB,
      unit: 'MB',
      bar: 64,
    });
    figures.push(await costOfRunningJob(helper.pid, connection));
  }
  for (const { what, value, unit, bar } of figures) {
    process.stdout.write(`${what.padEnd(34)} ${rounded(value)} ${unit}   (bar ${bar})\n`);
  }
  const ratio = Math.max(...figures.map(({ value, bar }) => value / bar));
  return {
    name: 'idle',
    figure: atRest.value,
    unit: atRest.unit,
    against: 'the bars; the ratio is the worst of all figures',
    peer: atRest.bar,
    ratio,
    bar: '<= 1',
    ok: ratio <= 1,
  };
}

async function switchesPerSecond(pid: number): Promise<Figure> {
  const before = contextSwitches(pid);
  await delay(WATCH_SECONDS * 1000);
  const value = (contextSwitches(pid) - before) / WATCH_SECONDS;
  return { what: `switches over ${WATCH_SECONDS} s, all threads`, value, unit: '/s', bar: 1 };
}

async function callMany(connection: Connection): Promise<void> {
  for (let called = 0; called < CALLS; called += CALLS_AT_ONE_TIME) {
    const call = (index: number): Promise<unknown> =>
      index % 2 === 0 ? connection.health.check({}) : connection.jobs.listJobs({});
    await Promise.all(Array.from({ length: CALLS_AT_ONE_TIME }, (_, index) => call(index)));
  }
}

/** The monitor is the helper's child, and init the monitor's; what runs inside is the job's own. */
async function costOfRunningJob(pid: number, connection: Connection): Promise<Figure> {
  const { uuid } = await connection.submit('sleep', '600');
  await delay(2000);
  const [monitor] = childrenOf(pid);
  const [init] = childrenOf(monitor ?? 0);
  if (monitor === undefined || init === undefined) {
    throw new Error('the running job has no monitor or no init');
  }
  const value = (proportionalBytes(monitor) + proportionalBytes(init)) / MB;
  await connection.jobs.stopJob({ id: uuid, graceMs: 0n });
  return { what: 'PSS of monitor and init', value, unit: 'MB', bar: 0.5 };
}
