/** Monitors are killed at random instants, some together with the helper: their jobs end, and keep what they had printed. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect } from 'vitest';
import { type Job, JobStatus } from '../../native-helper/api/gen/joblet_pb.js';
import { jobDirectoryOf, pathsUnder } from '../../native-helper/api/paths.ts';
import { hasEnded } from '../../native-helper/server/jobs/job-state.ts';
import type { Client } from '../../src-main/client/index.ts';
import { monitorsWith } from '../fixtures/monitors.ts';
import type { Random } from '../fixtures/random.ts';
import { temporaryRoot } from '../fixtures/root.ts';
import type { RunningHelper } from '../fixtures/running-helper.ts';
import type { Places } from '../leakcheck/census.ts';
import { cgroupOf, JOBS_UID, startConfigured } from '../leakcheck/configured-helper.ts';
import {
  type Host,
  hostOf,
  makeNetwork,
  makeVolumes,
  randomOptions,
  removeNetwork,
  removeVolumes,
} from '../leakcheck/options.ts';
import { calmCensus, settle } from '../leakcheck/settled.ts';
import { followByClient } from './followers.ts';
import { seeded } from './seeded.ts';
import { sized, within } from './size.ts';
import { floodOf, type Output, sha256, trickleOf } from './streams.ts';
import { type Log, readLog, untilEnded } from './verdict.ts';

const KILLS = sized(50);
const WARM_UP_JOBS = 4;
const LONGEST_LIFE_MS = 600;
const KILL_OF_THE_HELPER_PROBABILITY = 0.2;
/** They outlive the command, and do not hear of its end. */
const STRAYS = '(trap "" TERM HUP; setsid sleep 600 & sleep 600) >/dev/null 2>&1 &';

let helper: RunningHelper;
let cgroup: string;

beforeAll(async () => {
  helper = await startConfigured();
  cgroup = await cgroupOf(helper);
});
afterAll(() => helper?.[Symbol.asyncDispose]());

const places = (): Places => ({ root: helper.root, cgroup, helperPid: helper.pid, jobsUid: JOBS_UID });

seeded(`${KILLS} kills of monitors`, within(600_000), async (random) => {
  await killMonitors(random, WARM_UP_JOBS);
  const before = await calmCensus(places);
  await killMonitors(random, KILLS);
  expect(await settle(before, places, (leaks) => leaks.length === 0)).toEqual([]);
});

async function killMonitors(random: Random, kills: number): Promise<void> {
  const client = await helper.connect();
  try {
    await makeVolumes(client);
    await makeNetwork(client);
    const host = await hostOf(client, temporaryRoot());
    for (let kill = 0; kill < kills; kill += 1) {
      await killOne(client, random, host, `fault-${kill}`);
    }
    await client.jobs.deleteAllJobs({});
    await removeVolumes(client);
    await removeNetwork(client);
  } finally {
    client.close();
  }
}

async function killOne(client: Client, random: Random, host: Host, words: string): Promise<void> {
  const { script, output } = random.chance(0.5) ? floodOf(words, 300_000) : trickleOf(words, 2000, 0.005);
  const job = await client.jobs.runJob({ spec: specOf(`${STRAYS} ${script}`, random, host) });
  const following = followByClient(client)(job.uuid);
  await delay(random.below(LONGEST_LIFE_MS));
  const seen = await readLog(client, job.uuid);
  const monitors = await monitorsOf(client, job);
  const processes = processesOf(job);
  for (const pid of monitors) {
    process.kill(pid, 'SIGKILL');
  }
  if (random.chance(KILL_OF_THE_HELPER_PROBABILITY)) {
    await helper.kill();
    await helper.startAgain();
  }
  const ended = await untilEnded(client, job.uuid);
  expectEnd(ended);
  const log = await readLog(client, job.uuid);
  expect(log.both.subarray(0, seen.both.length), 'what was in the log').toEqual(seen.both);
  expect(log.both.length).toBe(statSync(join(folderOf(job), 'log'), { throwIfNoEntry: false })?.size ?? 0);
  expectBeginning(log, output);
  expect(await following).toEqual({ sha256: sha256(log.both), faults: [] });
  expectNothingLeft(job);
  await expect.poll(() => processes.filter(isAlive)).toEqual([]);
}

/** Of the options those that change neither what is printed nor whether and when the job is started. */
function specOf(script: string, random: Random, host: Host) {
  const { startAtUs, timeoutMs, terminal, uploads, retry, ports, ...options } = randomOptions(random, host);
  return { ...options, command: 'sh', args: ['-c', script] };
}

const folderOf = ({ uuid }: Job) => jobDirectoryOf(pathsUnder(helper.root), uuid);

/** None of one that has ended by itself meanwhile. */
async function monitorsOf(client: Client, job: Job): Promise<number[]> {
  for (;;) {
    const { status } = await client.jobs.getJob({ id: job.uuid });
    const pids = monitorsWith((folder) => folder === folderOf(job));
    if (pids.length > 0 || hasEnded(status)) {
      return pids;
    }
  }
}

function expectEnd({ status, failure }: Job): void {
  expect([JobStatus.LOST, JobStatus.COMPLETED]).toContain(status);
  if (status === JobStatus.LOST) {
    expect(failure).toMatchObject({ layer: 'monitor', cause: expect.stringMatching(/./) });
  }
}

function expectBeginning(log: Log, { stdout, stderr }: Output): void {
  expect(Buffer.from(log.stdout).equals(Buffer.from(stdout.slice(0, log.stdout.length)))).toBe(true);
  expect(Buffer.from(log.stderr).equals(Buffer.from(stderr.slice(0, log.stderr.length)))).toBe(true);
}

function processesOf({ uuid }: Job): string[] {
  try {
    return readFileSync(join(cgroup, `job-${uuid}`, 'cgroup.procs'), 'utf8')
      .split('\n')
      .filter(Boolean);
  } catch {
    return []; // it is not there yet, or no more
  }
}

/** A process whose parent was killed waits for the machine's init to take it away. */
function isAlive(pid: string): boolean {
  try {
    return !/^State:\sZ/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

function expectNothingLeft({ uuid }: Job): void {
  expect(existsSync(join(cgroup, `job-${uuid}`))).toBe(false);
  expect(existsSync(join(pathsUnder(helper.root).monitorsDirectory, uuid))).toBe(false);
}
