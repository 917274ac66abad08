/** Throughput of short jobs through the API, durable and logged, against bare bwrap and runc at equal concurrency. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RunningHelper } from '../fixtures/running-helper.ts';
import { Bubblewrap } from './bubblewrap.ts';
import { Children } from './children.ts';
import { Connection } from './connection.ts';
import { type Measurement, rounded, timed } from './measurement.ts';
import { Runc } from './runc.ts';
import { compileSample } from './sample-job.ts';

const JOBS = 1000;
/** They take turns, so that what else the machine does meets all alike. */
const TURNS = 10;
const CONCURRENCY = 8;
/** runc is only compared by size, not by the last per cent, and takes long. */
const RUNC_JOBS = 100;
const BWRAP_BAR = 0.5;
const RUNC_BAR = 3;

export async function run(): Promise<Measurement> {
  await using helper = await RunningHelper.start();
  using connection = new Connection(helper.root);
  await connection.watchEnds();
  using peers = new Peers();
  const seconds = { joblet: 0, bwrap: 0, runc: 0 };
  for (let turn = 0; turn < TURNS; turn += 1) {
    const share = JOBS / TURNS;
    seconds.joblet += await secondsFor(share, () => oneJob(connection));
    seconds.bwrap += await secondsFor(share, () => peers.bubblewrap.run());
    seconds.runc += await secondsFor(RUNC_JOBS / TURNS, () => peers.runc?.run() ?? Promise.resolve());
  }
  return report(seconds, peers.runc !== undefined);
}

function report(seconds: { joblet: number; bwrap: number; runc: number }, hasRunc: boolean): Measurement {
  const [figure, peer] = [JOBS / seconds.joblet, JOBS / seconds.bwrap];
  process.stdout.write(
    `joblet  ${rounded(figure)} jobs/s, ${CONCURRENCY} at one time\nbwrap   ${rounded(peer)} jobs/s\n`,
  );
  const runcRatio = hasRunc ? figure / (RUNC_JOBS / seconds.runc) : undefined;
  process.stdout.write(
    runcRatio === undefined
      ? 'runc    is not installed here, so it was not compared\n'
      : `runc    ${rounded(RUNC_JOBS / seconds.runc)} jobs/s, joblet has ${rounded(runcRatio)} times as many\n`,
  );
  const ratio = figure / peer;
  const ok = ratio >= BWRAP_BAR && (runcRatio ?? RUNC_BAR) >= RUNC_BAR;
  const bar = `>= ${BWRAP_BAR}${runcRatio === undefined ? '' : `, >= ${RUNC_BAR} x runc`}`;
  return {
    name: 'many',
    figure,
    unit: 'jobs/s',
    against: 'bwrap at equal concurrency',
    peer,
    ratio,
    bar,
    ok,
  };
}

async function oneJob(connection: Connection): Promise<void> {
  const { uuid } = await connection.submit('/bin/true');
  await connection.ended(uuid);
}

/** Seconds that `count` runs take, CONCURRENCY of them at any time. */
async function secondsFor(count: number, runOne: () => Promise<void>): Promise<number> {
  let started = 0;
  const lane = async (): Promise<void> => {
    for (started += 1; started <= count; started += 1) {
      await runOne();
    }
  };
  return (
    (await timed(async () => void (await Promise.all(Array.from({ length: CONCURRENCY }, lane))))) / 1000
  );
}

/** The other sandboxes, set up like a job of ours. */
class Peers implements Disposable {
  readonly #resources = new DisposableStack();
  readonly bubblewrap: Bubblewrap;
  readonly runc: Runc | undefined;

  constructor() {
    const children = this.#resources.use(new Children());
    const workPath = mkdtempSync(join(tmpdir(), 'joblet-bench-work-'));
    this.#resources.defer(() => rmSync(workPath, { recursive: true }));
    const { plan, sources } = compileSample(this.#resources, workPath);
    this.bubblewrap = this.#resources.use(new Bubblewrap(children, plan, sources));
    this.runc = existsSync('/usr/sbin/runc')
      ? this.#resources.use(new Runc(children, plan, sources))
      : undefined;
  }

  [Symbol.dispose](): void {
    this.#resources.dispose();
  }
}
