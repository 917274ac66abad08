/** Jobs of many kinds, ended in every way that jobs, monitors and helpers can end. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { JobletError } from '../../native-helper/api/errors.ts';
import type { Job } from '../../native-helper/api/gen/joblet_pb.js';
import { hasEnded, LIVE_STATES } from '../../native-helper/server/jobs/job-state.ts';
import { type Client, isInterruption } from '../../src-main/client/index.ts';
import { localFilesOf } from '../../src-main/client/local-tree.ts';
import { upload } from '../../src-main/client/upload.ts';
import { monitorsWith } from '../fixtures/monitors.ts';
import { patiently, unlessConflict } from '../fixtures/patiently.ts';
import type { Random } from '../fixtures/random.ts';
import {
  type Host,
  hostOf,
  makeNetwork,
  makeVolumes,
  randomOptions,
  removeNetwork,
  removeVolumes,
  UPLOADED,
} from './options.ts';
import { attachTo, execIn } from './sessions.ts';

/** Each leaves something behind for the sandbox to clear away. */
const COMMANDS: readonly string[] = [
  'true',
  'exit 3',
  'echo to standard output; echo to standard error >&2',
  'seq 20000',
  'sleep 0.2',
  'setsid sleep 600 & exit 0',
  'for i in 1 2 3 4 5 6 7 8; do sleep 600 & done; exit 0',
  'trap "" TERM HUP; (setsid sh -c "trap \\"\\" TERM HUP; sleep 600; true" &); exit 0',
  'mkdir -p a/b/c; ln -s /etc a/link; mkfifo a/pipe; touch -- "a/ -f" a/b/file; chmod 0 a/b',
  'unshare --user --map-root-user --mount sh -c "mount -t tmpfs none /tmp; touch /tmp/file"',
  'unshare --user --map-root-user --pid --fork sleep 600 & exit 0',
  'ipcmk --shmem 4096 --semaphore 2 --queue >/dev/null',
  'echo shared >/dev/shm/left; echo shared >/dev/mqueue/left; echo temporary >/tmp/left',
  'kill -SEGV $$',
  'mkdir -p /lent/$JOB_ID/deep; ln -s /etc /lent/$JOB_ID/link; mkfifo /lent/$JOB_ID/pipe; exec 9>/lent/$JOB_ID/file; sleep 600 & exit 0',
  'for f in /volumes/*/; do echo x >$f/left; done; exec 9</volumes/disk/left; exit 2',
  'sleep 600',
  'while :; do echo busy; sleep 0.01; done',
  'cat',
];
/** Those that end only when they are ended. */
const ENDLESS = new Set(['sleep 600', 'while :; do echo busy; sleep 0.01; done', 'cat']);
/** What is done with a job while it runs, before it is ended or ends. */
const DEEDS = ['pause', 'pause and resume', 'exec', 'attach'] as const;
const DEED_PROBABILITY = 0.4;
const ENDINGS = ['stop', 'cancel', 'kill a process of the job', 'kill the monitor'] as const;
const ENDING_PROBABILITY = 0.3;
const LONGEST_LIFE_MS = 250;
const LONGEST_UPLOAD_MS = 30;

const JOB_PATIENCE_MS = 60_000;
const POLL_MS = 20;

export interface WorkloadOptions {
  readonly client: Client;
  readonly random: Random;
  /** The folder of the jobs' cgroups. */
  readonly cgroup: string;
  /** A folder that jobs may get for reading and writing. */
  readonly lent: string;
  readonly jobs: number;
  readonly atOnce: number;
}

/**
 * Runs them, so many at once, until the last has ended.
 *
 * @returns the jobs as they ended
 * @throws Error when one doesn't end.
 */
export async function runWorkload(options: WorkloadOptions): Promise<readonly Job[]> {
  const ended: Job[] = [];
  let left = options.jobs;
  await patiently(() => makeVolumes(options.client));
  await patiently(() => makeNetwork(options.client));
  const host = await patiently(() => hostOf(options.client, options.lent));
  for (const [option, reason] of host.impossible) {
    process.stdout.write(`left out: ${option}: ${reason}\n`);
  }
  const lane = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      ended.push(await runOne(options, host));
    }
  };
  await Promise.all(Array.from({ length: options.atOnce }, lane));
  await endUnheardOf(options.client, new Set(ended.map(({ uuid }) => uuid)));
  await patiently(() => removeVolumes(options.client));
  await patiently(() => removeNetwork(options.client));
  return ended;
}

/** A helper that is killed after it has written down a job and before it has answered leaves one that runs and of which nobody knows. */
async function endUnheardOf(client: Client, known: ReadonlySet<string>): Promise<void> {
  const { jobs } = await client.jobs.listJobs({ status: [...LIVE_STATES], pageSize: 1000 });
  for (const { uuid } of jobs.filter((job) => !known.has(job.uuid))) {
    process.stdout.write(`ending job ${uuid}, whose answer was lost with the helper\n`);
    await stop(client, uuid);
  }
}

async function runOne({ client, random, cgroup }: WorkloadOptions, host: Host): Promise<Job> {
  const script = random.choose(COMMANDS);
  const ending =
    ENDLESS.has(script) || random.chance(ENDING_PROBABILITY) ? random.choose(ENDINGS) : undefined;
  const deeds = DEEDS.filter(() => random.chance(DEED_PROBABILITY));
  const life = random.below(LONGEST_LIFE_MS);
  const options = randomOptions(random, host);
  const { uuid } = await patiently(() =>
    client.jobs.runJob({ spec: { ...options, command: 'sh', args: ['-c', script] } }),
  );
  if ((options.uploads ?? []).length > 0) {
    await bringFiles(client, uuid, random);
  }
  await Promise.all(deeds.map((deed) => act(client, uuid, deed, random)));
  if (ending !== undefined) {
    await delay(life);
    await end(client, uuid, ending, join(cgroup, `job-${uuid}`), random);
  }
  // What was left paused ends by no other way.
  return untilEnded(client, uuid, ENDLESS.has(script) || deeds.includes('pause'));
}

async function act(
  client: Client,
  uuid: string,
  deed: (typeof DEEDS)[number],
  random: Random,
): Promise<void> {
  await delay(random.below(LONGEST_LIFE_MS));
  switch (deed) {
    case 'pause':
      await unlessConflict(() => client.jobs.pauseJob({ id: uuid }));
      return;
    case 'pause and resume':
      await unlessConflict(() => client.jobs.pauseJob({ id: uuid }));
      await delay(random.below(LONGEST_LIFE_MS));
      await unlessConflict(() => client.jobs.resumeJob({ id: uuid }));
      return;
    case 'exec':
      await unlessEnded(() => execIn(client, uuid, random));
      return;
    case 'attach':
      await unlessEnded(() => attachTo(client, uuid, random));
      return;
  }
}

/** All of them, or some until it is given up. */
async function bringFiles(client: Client, uuid: string, random: Random): Promise<void> {
  const isGivenUp = random.chance(ENDING_PROBABILITY);
  const signal = isGivenUp
    ? AbortSignal.timeout(random.below(LONGEST_UPLOAD_MS))
    : new AbortController().signal;
  const local = await localFilesOf([UPLOADED]);
  await upload({ files: client.files, jobs: client.jobs, uuid, local, signal }).catch((error: unknown) => {
    // With a helper go the secrets of jobs that wait, and the job with them.
    if (!signal.aborted && !(error instanceof JobletError && error.kind === 'conflict')) {
      throw error;
    }
  });
  if (isGivenUp) {
    await stop(client, uuid);
  }
}

async function end(
  client: Client,
  uuid: string,
  ending: (typeof ENDINGS)[number],
  cgroup: string,
  random: Random,
): Promise<void> {
  if (ending === 'stop') {
    await stop(client, uuid);
    return;
  }
  if (ending === 'cancel') {
    await unlessConflict(() => client.jobs.cancelJob({ id: uuid }));
    return;
  }
  const victims =
    ending === 'kill the monitor' ? monitorsWith((job) => job.endsWith(uuid)) : processesIn(cgroup);
  if (victims.length > 0) {
    kill(random.choose(victims));
  }
}

/** A job that has ended by itself can't be stopped any more. */
async function stop(client: Client, uuid: string): Promise<void> {
  await unlessConflict(() => client.jobs.stopJob({ id: uuid, graceMs: 100n }));
}

/** A session ends with the helper, and none can be had of a job without input or of one that has ended. */
async function unlessEnded(session: () => Promise<void>): Promise<void> {
  try {
    await session();
  } catch (error) {
    const isRefused = error instanceof JobletError && error.details.operation === 'open session';
    if (!isRefused && !isInterruption(error)) {
      throw error;
    }
  }
}

async function untilEnded(client: Client, uuid: string, endless: boolean): Promise<Job> {
  const deadline = Date.now() + JOB_PATIENCE_MS;
  while (Date.now() < deadline) {
    const job = await patiently(() => client.jobs.getJob({ id: uuid }));
    if (hasEnded(job.status)) {
      return job;
    }
    if (endless) {
      // The process that was killed may have been one that the job can do without, or none was there yet.
      await stop(client, uuid);
    }
    await delay(POLL_MS);
  }
  throw new Error(`job ${uuid} has not ended within ${JOB_PATIENCE_MS} ms`);
}

function processesIn(cgroup: string): number[] {
  try {
    return readFileSync(join(cgroup, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean).map(Number);
  } catch {
    return []; // it has ended
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) {
      throw error;
    }
  }
}
