/**
 * `npm run leakcheck -- [--jobs N] [--seed N]`: runs jobs through a real helper, kills some of them, some monitors and
 * twice the helper, and counts what is left. Then it leaks one thing of each kind on purpose and must find it.
 */
import { readFileSync, rmSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { inspect, parseArgs } from 'node:util';
import { JobStatus } from '../../native-helper/api/gen/joblet_pb.js';
import { pathsUnder } from '../../native-helper/api/paths.ts';
import { compileProbes } from '../escape/probes.ts';
import { Random } from '../fixtures/random.ts';
import { temporaryRoot } from '../fixtures/root.ts';
import type { RunningHelper } from '../fixtures/running-helper.ts';
import { type Census, KINDS, type Places } from './census.ts';
import { cgroupOf, JOBS_UID, startConfigured } from './configured-helper.ts';
import { isEnclosed, runEnclosed } from './enclosure.ts';
import { PLANTS } from './plants.ts';
import { calmCensus, settle } from './settled.ts';
import { runWorkload } from './workload.ts';

const JOBS = 500;
const JOBS_AT_ONCE = 16;
const WARM_UP_JOBS = 12;
/** How often the helper is killed and started again. */
const HELPER_KILLS = 2;

/** The result of each check, one line each. */
class Results {
  #passed = 0;
  #failed = 0;

  check(name: string, faults: readonly string[]): void {
    process.stdout.write(`${faults.length === 0 ? 'ok  ' : 'FAIL'} ${name}\n`);
    for (const fault of faults) {
      process.stdout.write(`       ${fault}\n`);
    }
    if (faults.length === 0) {
      this.#passed += 1;
    } else {
      this.#failed += 1;
    }
  }

  /** @returns the exit code. */
  tell(): number {
    process.stdout.write(`${this.#passed} passed, ${this.#failed} failed\n`);
    return this.#failed === 0 ? 0 : 1;
  }
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      jobs: { type: 'string' },
      seed: { type: 'string' },
      'without-plants': { type: 'boolean', default: false },
    },
  });
  const jobs = values.jobs === undefined ? JOBS : Number.parseInt(values.jobs, 10);
  const seed =
    values.seed === undefined ? Math.floor(Math.random() * 2 ** 32) : Number.parseInt(values.seed, 10);
  if (!(jobs >= 1) || !(seed >= 0)) {
    process.stderr.write('usage: npm run leakcheck -- [--jobs N] [--seed N] [--without-plants]\n');
    return 2;
  }
  process.stdout.write(
    `${jobs} jobs, seed ${seed} (again with: npm run leakcheck -- --jobs ${jobs} --seed ${seed})\n`,
  );
  await compileProbes();
  return checkLeaks({ jobs, random: new Random(seed), hasPlants: !values['without-plants'] });
}

interface Check {
  readonly jobs: number;
  readonly random: Random;
  /** Whether it shows, too, that it finds what is left. */
  readonly hasPlants: boolean;
}

async function checkLeaks(check: Check): Promise<number> {
  await using helper = await startConfigured();
  try {
    const failures = await compareCensuses(helper, check);
    if (failures > 0) {
      tellLog(helper);
    }
    return failures;
  } catch (error) {
    tellLog(helper);
    throw error;
  }
}

/** What the helper said of itself goes with its root. */
function tellLog({ root }: RunningHelper): void {
  process.stdout.write(`The helper's log:\n${readFileSync(pathsUnder(root).helperLog, 'utf8')}\n`);
}

async function compareCensuses(helper: RunningHelper, { jobs, random, hasPlants }: Check): Promise<number> {
  const results = new Results();
  const cgroup = await cgroupOf(helper);
  const places = (): Places => ({ root: helper.root, cgroup, helperPid: helper.pid, jobsUid: JOBS_UID });
  await runJobs(helper, cgroup, random, WARM_UP_JOBS);
  const before = await calmCensus(places);
  for (let part = 0; part <= HELPER_KILLS; part += 1) {
    const share = Math.ceil(jobs / (HELPER_KILLS + 1));
    await Promise.all([
      runJobs(helper, cgroup, random, share),
      part < HELPER_KILLS ? killMeanwhile(helper, random) : undefined,
    ]);
  }
  await reportLeaks(results, before, places);
  if (hasPlants) {
    await reportPlants(results, places, helper.socket);
  }
  return results.tell();
}

async function killMeanwhile(helper: RunningHelper, random: Random): Promise<void> {
  await delay(200 + random.below(1000));
  process.stdout.write('killing the helper\n');
  await helper.kill();
  await helper.startAgain();
}

/** Runs them and deletes them, so that nothing of them should be left. */
async function runJobs(helper: RunningHelper, cgroup: string, random: Random, jobs: number): Promise<void> {
  const lent = temporaryRoot();
  const client = await helper.connect();
  try {
    const ended = await runWorkload({ client, random, cgroup, lent, jobs, atOnce: JOBS_AT_ONCE });
    const endings = Map.groupBy(ended, ({ status }) => JobStatus[status]);
    process.stdout.write(
      `${jobs} jobs: ${[...endings].map(([status, all]) => `${all.length} ${status}`).join(', ')}\n`,
    );
    const { skippedRunning } = await client.jobs.deleteAllJobs({});
    if (skippedRunning > 0) {
      throw new Error(`${skippedRunning} jobs have ended and are said to run`);
    }
  } finally {
    client.close();
    rmSync(lent, { recursive: true });
  }
}

async function reportLeaks(results: Results, before: Census, places: () => Places): Promise<void> {
  const leaks = await settle(before, places, (found) => found.length === 0);
  for (const kind of KINDS) {
    results.check(
      `no ${kind} is left`,
      leaks.filter((leak) => leak.kind === kind).map(({ what }) => what),
    );
  }
}

async function reportPlants(results: Results, places: () => Places, socket: string): Promise<void> {
  for (const { kind, plant } of PLANTS) {
    const before = await calmCensus(places);
    const remove = await plant(places(), socket);
    const found = await settle(before, places, (leaks) => leaks.some((leak) => leak.kind === kind));
    await remove();
    const isFound = found.some((leak) => leak.kind === kind);
    results.check(`a planted ${kind} is found`, isFound ? [] : ['it was not reported']);
    const left = await settle(before, places, (leaks) => leaks.length === 0);
    results.check(
      `and is gone when it is removed: ${kind}`,
      left.map(({ what }) => what),
    );
  }
}

/** With all that it came of, and what it hides: node:util shows a cause, and neither of the other two. */
function told(error: unknown): string {
  if (error instanceof SuppressedError) {
    return `${told(error.error)}\n  while it was cleared away, which failed too:\n${told(error.suppressed)}`;
  }
  return inspect(error, { depth: 10 });
}

async function mainOrFault(): Promise<number> {
  try {
    return await main();
  } catch (error) {
    process.stderr.write(`${told(error)}\n`);
    return 1;
  }
}

process.exitCode = isEnclosed() ? await mainOrFault() : await runEnclosed();
