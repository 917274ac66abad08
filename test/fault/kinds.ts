/** Jobs of every kind, each with what must come of it whatever happens to the helper meanwhile. */
import { setTimeout as delay } from 'node:timers/promises';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { type Job, type JobSpecSchema, JobStatus } from '../../native-helper/api/gen/joblet_pb.js';
import type { Client } from '../../src-main/client/index.ts';
import { patiently, unlessConflict } from '../fixtures/patiently.ts';
import type { Random } from '../fixtures/random.ts';
import { floodOf, type Output, trickleOf } from './streams.ts';

type Spec = Exclude<MessageInitShape<typeof JobSpecSchema>, { $typeName: string }>;

export interface Expected extends Output {
  readonly status: JobStatus;
  readonly exitCode?: number;
  readonly signal?: number;
  /** Those that were followed by another. */
  readonly attempts?: number;
}

export interface Undertaking {
  readonly kind: string;
  readonly spec: Spec;
  readonly expected: Expected;
  /** What is done with the job once it is accepted. */
  readonly deed?: (client: Client, job: Job) => Promise<void>;
  /** What else must be true of it. @returns what is not. */
  readonly faultsOf?: (job: Job) => string[];
}

type Draw = (words: string, random: Random) => Omit<Undertaking, 'kind'>;

const HOUR_MS = 3_600_000;
const POLL_MS = 50;
/** How long after its time a job may end or begin, on a machine that is busy with being killed. */
const LATE_MS = 60_000;

const shell = (script: string): Pick<Spec, 'command' | 'args'> => ({ command: 'sh', args: ['-c', script] });

const KINDS: Readonly<Record<string, Draw>> = {
  'ends at once': (words, random) => {
    const exitCode = random.below(120);
    const { script, output } = floodOf(words, 1 + random.below(20));
    return { spec: shell(`${script}; exit ${exitCode}`), expected: { ...output, ...endWith(exitCode) } };
  },
  floods: (words, random) => {
    const { script, output } = floodOf(words, 20_000 + random.below(80_000));
    return { spec: shell(script), expected: { ...output, ...endWith(0) } };
  },
  trickles: (words, random) => {
    const { script, output } = trickleOf(words, 20 + random.below(80), 0.02);
    return { spec: shell(`${script}; exit 7`), expected: { ...output, ...endWith(7) } };
  },
  'is killed': (words) => {
    const { script, output } = floodOf(words, 100);
    return {
      spec: shell(`${script}; kill -SEGV $$`),
      expected: { ...output, status: JobStatus.FAILED, exitCode: 139, signal: 11 },
    };
  },
  'runs out of time': (words, random) => {
    const timeoutMs = 300 + random.below(1500);
    const { script, output } = floodOf(words, 10);
    return {
      spec: { ...shell(`${script}; sleep 600`), timeoutMs: BigInt(timeoutMs) },
      expected: { ...output, status: JobStatus.TIMEOUT, exitCode: 124, signal: 15 },
      faultsOf: ({ startedUs, endedUs }) => outside('ran', endedUs - startedUs, timeoutMs),
    };
  },
  'is tried again': (words, random) => {
    const attempts = 1 + random.below(2);
    const first = floodOf(words, 200);
    // Its /work outlives an attempt, and counts them.
    const script = `${first.script}; echo >>tried; [ $(wc -l <tried) -gt ${attempts} ] || exit 9`;
    const all = (text: string) => text.repeat(attempts + 1);
    return {
      spec: { ...shell(script), retry: { attempts: 3, delayMs: BigInt(random.below(400)), backoff: 2 } },
      expected: {
        stdout: all(first.output.stdout),
        stderr: all(first.output.stderr),
        ...endWith(0),
        attempts,
      },
    };
  },
  'waits for its time': (words, random) => {
    const { script, output } = floodOf(words, 100);
    const afterMs = 200 + random.below(3000);
    const startAtUs = BigInt(Date.now() + afterMs) * 1000n;
    return {
      spec: { ...shell(script), startAtUs },
      expected: { ...output, ...endWith(0) },
      faultsOf: ({ startedUs }) => outside('began after its time', startedUs - startAtUs, 0),
    };
  },
  'is cancelled while it waits': () => ({
    spec: { ...shell('echo never'), startAtUs: BigInt(Date.now() + HOUR_MS) * 1000n },
    expected: { stdout: '', stderr: '', status: JobStatus.CANCELED },
    deed: async (client, { uuid }) => {
      await unlessConflict(() => client.jobs.cancelJob({ id: uuid }));
    },
  }),
  'is stopped': (words) => {
    const { script, output } = floodOf(words, 1000);
    return {
      // The shell would tell of its sleep, which hears SIGTERM too.
      spec: shell(`trap 'exit 3' TERM; ${script}; exec 2>/dev/null; while :; do sleep 0.05; done`),
      expected: { ...output, status: JobStatus.STOPPED, exitCode: 3 },
      deed: async (client, { uuid }) => {
        await untilPrinted(client, uuid, output);
        await unlessConflict(() => client.jobs.stopJob({ id: uuid, graceMs: 20_000n }));
      },
    };
  },
  'is paused': (words, random) => {
    const { script, output } = trickleOf(words, 40, 0.02);
    const pauseMs = random.below(700);
    return {
      spec: { ...shell(script), timeoutMs: BigInt(LATE_MS) },
      expected: { ...output, ...endWith(0) },
      deed: async (client, { uuid }) => {
        await untilStarted(client, uuid);
        await unlessConflict(() => client.jobs.pauseJob({ id: uuid }));
        await delay(pauseMs);
        await unlessConflict(() => client.jobs.resumeJob({ id: uuid }));
      },
    };
  },
};

export function drawKind(words: string, random: Random): Undertaking {
  const kind = random.choose(Object.keys(KINDS));
  return { kind, ...(KINDS[kind] as Draw)(words, random) };
}

function endWith(exitCode: number): Pick<Expected, 'status' | 'exitCode'> {
  return { status: exitCode === 0 ? JobStatus.COMPLETED : JobStatus.FAILED, exitCode };
}

function outside(what: string, us: bigint, leastMs: number): string[] {
  const ms = Number(us) / 1000;
  return ms >= leastMs && ms <= leastMs + LATE_MS ? [] : [`it ${what} for ${ms} ms instead of ${leastMs}`];
}

async function untilPrinted(client: Client, id: string, { stdout, stderr }: Output): Promise<void> {
  await until(client, id, ({ logBytes }) => Number(logBytes) >= stdout.length + stderr.length);
}

async function untilStarted(client: Client, id: string): Promise<void> {
  await until(client, id, ({ startedUs }) => startedUs > 0n);
}

async function until(client: Client, id: string, isSo: (job: Job) => boolean): Promise<void> {
  while (!isSo(await patiently(() => client.jobs.getJob({ id })))) {
    await delay(POLL_MS);
  }
}
