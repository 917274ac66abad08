/** The machine and its jobs, as the commands of `monitor` show them. */
import { cpus, loadavg } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { type Job, type JobMetrics, JobStatus } from '../../native-helper/api/gen/joblet_pb.js';
import { pathsUnder } from '../../native-helper/api/paths.ts';
import { coreLoads, type Disk, type Memory, readDisk, readMemory } from '../client/machine.ts';
import { ratesOf } from '../client/rates.ts';
import type { Client } from './connection.ts';

export interface MachineReading {
  readonly timeUs: bigint;
  /** How busy each core was since the reading before, percent. */
  readonly cores: readonly number[];
  /** Over 1, 5 and 15 minutes. */
  readonly load: readonly number[];
  readonly memory: Memory;
  readonly disk: Disk;
  readonly jobsRunning: number;
  readonly jobsTotal: bigint;
  readonly jobs: readonly JobUse[];
}

/** What a job uses now; undefined is not counted here, or was not counted yet. */
export interface JobUse {
  readonly job: Job;
  readonly cpuPercent: number | undefined;
  readonly memoryBytes: bigint | undefined;
  readonly pids: bigint | undefined;
}

/** The most that are listed: the screen of nobody is longer. */
const JOBS_LISTED = 1000;

/**
 * One reading each `intervalMs`, the first when that time is over: what is used is what is used over a time.
 *
 * @throws JobletError when the helper can't be asked
 */
export async function* readings(
  client: Client,
  root: string,
  intervalMs: number,
  signal: AbortSignal,
): AsyncGenerator<MachineReading> {
  const stopping = new AbortController();
  const use = new UseTable();
  const reading = use.keepUp(client, AbortSignal.any([signal, stopping.signal]));
  try {
    for (let before = cpus(); !signal.aborted; ) {
      // An error of the stream ends the waiting as well.
      await Promise.race([delay(intervalMs, undefined, { signal }).catch(() => undefined), reading]);
      const now = cpus();
      yield {
        ...(await readMachine(client, root)),
        cores: coreLoads(before, now),
        jobs: await use.now(client),
      };
      before = now;
    }
  } finally {
    stopping.abort();
  }
}

async function readMachine(client: Client, root: string) {
  const [memory, disk, status] = await Promise.all([
    readMemory(),
    readDisk(pathsUnder(root).jobsDirectory),
    client.helper.getStatus({}),
  ]);
  return {
    timeUs: BigInt(Date.now()) * 1000n,
    load: loadavg(),
    memory,
    disk,
    jobsRunning: status.jobsRunning,
    jobsTotal: status.jobsTotal,
  };
}

/** The last that was heard of each job, and what was shown of it last. */
class UseTable {
  #heard = new Map<string, JobMetrics>();
  #shown = new Map<string, JobMetrics>();

  /** @returns never, unless it fails or is ended. */
  async keepUp(client: Client, signal: AbortSignal): Promise<void> {
    try {
      for await (const metrics of client.watchMetrics([], signal)) {
        this.#heard.set(metrics.uuid, metrics);
      }
    } catch (error) {
      if (!signal.aborted) {
        throw error;
      }
    }
  }

  /** Those that use most of the processors first. */
  async now(client: Client): Promise<JobUse[]> {
    const { jobs } = await client.jobs.listJobs({
      status: [JobStatus.RUNNING, JobStatus.PAUSED],
      pageSize: JOBS_LISTED,
    });
    const uses = jobs.map((job) => useOf(job, this.#heard.get(job.uuid), this.#shown.get(job.uuid)));
    this.#shown = new Map(this.#heard);
    return uses.sort((one, other) => (other.cpuPercent ?? -1) - (one.cpuPercent ?? -1));
  }
}

/** Of a job that is seen for the first time, what it has used on the average since its start. */
function useOf(job: Job, heard: JobMetrics | undefined, shown: JobMetrics | undefined): JobUse {
  return {
    job,
    cpuPercent: heard && ratesOf(heard, shown === heard ? undefined : shown, job.startedUs).cpuPercent,
    memoryBytes: heard?.memoryBytes,
    pids: heard?.pids,
  };
}

export async function firstReading(client: Client, root: string, sampleMs: number): Promise<MachineReading> {
  for await (const reading of readings(client, root, sampleMs, new AbortController().signal)) {
    return reading;
  }
  throw new Error('a reading that nobody ends has ended');
}
