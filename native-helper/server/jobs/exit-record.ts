/** `exit.json`: how a job ended, as its monitor wrote it (docs/monitor-protocol.md), and what that makes of the job. */
import { constants } from 'node:os';
import { create } from '@bufbuild/protobuf';
import { type Failure, JobStatus, UsageSchema } from '../../api/gen/joblet_pb.js';
import * as z from '../../api/schema.ts';
import type { JobChange } from '../state/job-store.ts';
import { countedDenials } from './denials.ts';
import { causeInWords, failureOf } from './failure.ts';
import { finalLogState } from './log-state.ts';

const count = z.int().check(z.minimum(0));
const nullableCount = z.nullable(count);
/** Monitors of an older version, which may still run, don't tell it. */
const laterCount = z._default(nullableCount, null);
const words = z.string().check(z.maxLength(8192));

/** 0 … 3, and what later helpers may call their filters. */
const level = z.int().check(z.minimum(0), z.maximum(0xffff_ffff));
/** Its number, or FOREIGN_CALL. */
const call = z.int().check(z.minimum(-1), z.maximum(0x7fff_ffff));
/** Kinds of calls that a monitor tells apart. */
const DENIALS_MAXIMUM = 32;

/** The fields of the message `denied`, beside its name. */
export const deniedCallFields = { level, call, first_us: count };

/** The fields of the message `log`, beside its name. */
export const logStateFields = {
  place: z.enum(['disk', 'memory', 'spill']),
  blocked: z.boolean(),
  /** One line of so many is kept; 0: none. */
  every: count,
  /** Of the last write; 0: it worked. */
  errno: count,
  waiting_bytes: count,
  lost_lines: count,
  lost_bytes: count,
};

/** The fields that the record and the message `exited` share. */
export const exitFields = {
  ran: z.boolean(),
  exit_code: z.nullable(z.int().check(z.minimum(0), z.maximum(255))),
  signal: z.nullable(z.int().check(z.minimum(1), z.maximum(64))),
  ended_by: z.enum(['exit', 'signal', 'oom', 'timeout', 'stop', 'kill', 'refused']),
  started_us: count,
  ended_us: count,
  usage: z.strictObject({
    cpu_user_us: count,
    cpu_system_us: count,
    memory_peak_bytes: nullableCount,
    pids_peak: nullableCount,
    oom_kills: nullableCount,
    pids_max_hits: nullableCount,
    cpu_throttled_us: laterCount,
    memory_high_hits: laterCount,
    memory_max_hits: laterCount,
    io_read_bytes: laterCount,
    io_written_bytes: laterCount,
    cpu_pressure_us: laterCount,
    memory_pressure_us: laterCount,
    io_pressure_us: laterCount,
    paused_us: laterCount,
  }),
  error: z.nullable(
    z.strictObject({
      layer: z.string().check(z.maxLength(64)),
      operation: z.string().check(z.maxLength(256)),
      object: words,
      errno: z.int(),
      message: words,
    }),
  ),
  log_bytes: count,
  /** Absent in the records of monitors that knew no overflow: they lost nothing but what `error` tells. */
  log_lost: z.optional(z.strictObject({ lines: count, bytes: count })),
  /** Absent in the records of monitors that knew no denials. */
  denials: z.optional(
    z.strictObject({
      level,
      calls: z.array(z.tuple([call, count, count])).check(z.maxLength(DENIALS_MAXIMUM)),
      others: count,
    }),
  ),
};

export const exitRecordSchema = z.strictObject({ version: z.literal(1), job: z.uuid(), ...exitFields });

export type ExitRecord = z.infer<typeof exitRecordSchema>;

/** sysexits of the shells and of timeout(1), as docs and joblet-interface promise them. */
const EXIT_REFUSED = 125;
const EXIT_TIMEOUT = 124;
const EXIT_SIGNAL_BASE = 128;
const EXIT_OUT_OF_MEMORY = EXIT_SIGNAL_BASE + constants.signals.SIGKILL;

type Ending = Required<Pick<JobChange, 'status' | 'exitCode' | 'signal' | 'failure'>>;

export function changeOf(record: ExitRecord): JobChange {
  return {
    ...endingOf(record),
    startedUs: record.started_us,
    endedUs: record.ended_us,
    ...denialsOf(record),
    logState: finalLogState(record),
    usage: create(UsageSchema, {
      cpuUserUs: BigInt(record.usage.cpu_user_us),
      cpuSystemUs: BigInt(record.usage.cpu_system_us),
      ...optionalCounts({
        memoryPeakBytes: record.usage.memory_peak_bytes,
        pidsPeak: record.usage.pids_peak,
        oomKills: record.usage.oom_kills,
        pidsMaxHits: record.usage.pids_max_hits,
        cpuThrottledUs: record.usage.cpu_throttled_us,
        memoryHighHits: record.usage.memory_high_hits,
        memoryMaxHits: record.usage.memory_max_hits,
        ioReadBytes: record.usage.io_read_bytes,
        ioWrittenBytes: record.usage.io_written_bytes,
        cpuPressureUs: record.usage.cpu_pressure_us,
        memoryPressureUs: record.usage.memory_pressure_us,
        ioPressureUs: record.usage.io_pressure_us,
        pausedUs: record.usage.paused_us === 0 ? null : record.usage.paused_us,
      }),
    }),
  };
}

function denialsOf({ denials }: ExitRecord): Pick<JobChange, 'denials'> {
  return denials === undefined || denials.calls.length === 0 ? {} : { denials: countedDenials(denials) };
}

function optionalCounts<Name extends string>(
  counts: Record<Name, number | null>,
): Partial<Record<Name, bigint>> {
  const present = Object.entries<number | null>(counts).filter((entry) => entry[1] !== null);
  return Object.fromEntries(present.map(([name, value]) => [name, BigInt(value as number)])) as Partial<
    Record<Name, bigint>
  >;
}

function endingOf(record: ExitRecord): Ending {
  const { signal } = record;
  const failure = refusalOf(record);
  switch (record.ended_by) {
    case 'exit':
      return {
        status: record.exit_code === 0 ? JobStatus.COMPLETED : JobStatus.FAILED,
        exitCode: codeOf(record),
        signal,
        failure,
      };
    case 'signal':
      return { status: JobStatus.FAILED, exitCode: codeOf(record), signal, failure };
    case 'oom':
      return {
        status: JobStatus.FAILED,
        exitCode: EXIT_OUT_OF_MEMORY,
        signal: constants.signals.SIGKILL,
        failure: outOfMemory(record),
      };
    case 'timeout':
      return { status: JobStatus.TIMEOUT, exitCode: EXIT_TIMEOUT, signal, failure: timedOut() };
    case 'stop':
    case 'kill':
      return { status: JobStatus.STOPPED, exitCode: codeOf(record), signal, failure };
    case 'refused':
      return {
        status: JobStatus.FAILED,
        exitCode: record.exit_code ?? EXIT_REFUSED,
        signal: null,
        failure: failure ?? unexplained(),
      };
  }
}

/** As a shell reports it: the command's own code, or 128 + the signal. */
function codeOf({ exit_code, signal, ran }: ExitRecord): number | null {
  if (signal !== null) {
    return EXIT_SIGNAL_BASE + signal;
  }
  return exit_code ?? (ran ? null : EXIT_REFUSED);
}

function refusalOf({ error }: ExitRecord): Failure | null {
  return error === null
    ? null
    : failureOf({
        layer: error.layer,
        operation: error.operation,
        object: error.object,
        cause: causeInWords(error.errno, error.message),
        ...mendOfUsedUp(error),
      });
}

/**
 * Of what there is too much already: clone(2), mount_namespaces(7). With ENOSPC the kernel speaks of namespaces and mounts; no
 * disk is full.
 */
function mendOfUsedUp({ layer, errno }: { readonly layer: string; readonly errno: number }) {
  if (errno === constants.errno.ENOSPC && (layer === 'namespace' || layer === 'mount')) {
    return { mend: 'Raise user.max_*_namespaces and fs.mount-max with sysctl.' };
  }
  if (errno === constants.errno.EAGAIN && layer === 'process') {
    return {
      mend: "Let other jobs end, or raise the helper's RLIMIT_NPROC, the pids.max above its cgroup, or kernel.threads-max.",
    };
  }
  return {};
}

function outOfMemory({ job, usage }: ExitRecord): Failure {
  const kills = usage.oom_kills ?? 0;
  const processes = kills === 1 ? '1 process' : `${kills} processes`;
  return failureOf({
    layer: 'memory',
    operation: 'allocate',
    object: `job-${job}`,
    cause: `the kernel killed ${processes} of the job for want of memory (memory.events oom_kill ${kills})`,
  });
}

function timedOut(): Failure {
  return failureOf({ layer: 'timeout', operation: 'run', object: '', cause: 'the time of the job was up' });
}

function unexplained(): Failure {
  return failureOf({ layer: 'monitor', operation: 'start', object: '', cause: 'refused without a reason' });
}
