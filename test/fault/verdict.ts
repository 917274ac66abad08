/** Whether a job that has ended is as it must be. Each function answers with what is not. */
import { setTimeout as delay } from 'node:timers/promises';
import {
  type Job,
  type JobMetrics,
  JobStatus,
  type LogChunk,
  LogStream,
} from '../../native-helper/api/gen/joblet_pb.js';
import { hasEnded } from '../../native-helper/server/jobs/job-state.ts';
import type { Client } from '../../src-main/client/index.ts';
import { patiently } from '../fixtures/patiently.ts';
import type { Expected } from './kinds.ts';
import { type Output, sha256 } from './streams.ts';

/** From the end of a job to the helper's hearing of it there may be one more. */
const SAMPLE_US = 1_000_000n;

const POLL_MS = 50;
const PATIENCE_MS = 120_000;

export interface Log {
  /** In the order in which it was read from the job. */
  readonly both: Uint8Array;
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
}

/** @throws Error when it doesn't end in time. */
export async function untilEnded(client: Client, id: string): Promise<Job> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const job = await patiently(() => client.jobs.getJob({ id }));
    if (hasEnded(job.status)) {
      return job;
    }
    if (Date.now() > deadline) {
      throw new Error(`it is ${JobStatus[job.status]} after ${PATIENCE_MS} ms`);
    }
    await delay(POLL_MS);
  }
}

export async function readLog(client: Client, id: string): Promise<Log> {
  const chunks = await patiently(() => all(client.jobs.getLogs({ id })));
  const of = (isMeant: (chunk: LogChunk) => boolean) =>
    Buffer.concat(chunks.filter(isMeant).map(({ data }) => data));
  return {
    both: of(() => true),
    stdout: of(({ stream }) => stream === LogStream.STDOUT),
    stderr: of(({ stream }) => stream === LogStream.STDERR),
  };
}

export async function all<T>(values: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const value of values) {
    collected.push(value);
  }
  return collected;
}

interface Ending {
  readonly status: JobStatus;
  readonly exitCode?: number | undefined;
  readonly signal?: number | undefined;
}

export function endFaults(job: Job, expected: Expected): string[] {
  const told = ({ status, exitCode, signal }: Ending, attempts: number) =>
    `${JobStatus[status]}, exit code ${exitCode}, signal ${signal}, ${attempts} attempts before`;
  const wanted = told(expected, expected.attempts ?? 0);
  const ended = told(job, job.attempts.length);
  return ended === wanted ? [] : [`it ended as ${ended} instead of ${wanted}: ${job.failure?.cause}`];
}

export function logFaults(log: Log, expected: Output): string[] {
  return (['stdout', 'stderr'] as const)
    .filter((stream) => sha256(log[stream]) !== sha256(expected[stream]))
    .map(
      (stream) =>
        `its ${stream} is not what it wrote: ${log[stream].length} of ${expected[stream].length} bytes`,
    );
}

/** The helper takes them, so there are none of the time without one; those that there are must make sense. */
export function metricsFaults(samples: readonly JobMetrics[], job: Job): string[] {
  const pairs = samples.slice(1).map((sample, index) => [samples[index] as JobMetrics, sample] as const);
  const isSound = pairs.every(
    ([earlier, later]) => later.timeUs > earlier.timeUs && later.cpuUserUs >= earlier.cpuUserUs,
  );
  const isWithin = samples.every(({ timeUs }) => timeUs <= job.endedUs + SAMPLE_US);
  return isSound && isWithin ? [] : ['its metrics go back, or on after its end'];
}
