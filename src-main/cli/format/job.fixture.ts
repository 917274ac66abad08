/** A job with something in every field, for the tests of the texts. */
import { create } from '@bufbuild/protobuf';
import { type Job, JobSchema, JobStatus } from '../../../native-helper/api/gen/joblet_pb.js';

export const UUID = '0f8e2a34-5b6c-4d7e-8f90-a1b2c3d4e5f6';

/** 2026-01-02 03:04:05.678901 UTC */
export const CREATED_US = 1_767_323_045_678_901n;

export function plainJob(): Job {
  return create(JobSchema, {
    uuid: UUID,
    nodeId: 'workstation',
    status: JobStatus.INITIALIZING,
    createdUs: CREATED_US,
    spec: { command: 'echo', args: ['hello', 'world'] },
  });
}

export function fullJob(): Job {
  return create(JobSchema, {
    uuid: UUID,
    nodeId: 'workstation',
    status: JobStatus.FAILED,
    createdUs: CREATED_US,
    startedUs: CREATED_US + 1_500n,
    endedUs: CREATED_US + 61_001_500n,
    exitCode: 137,
    signal: 9,
    ownerUid: 1000,
    logBytes: 42n,
    spec: {
      name: 'hungry',
      command: 'sh',
      args: ['-c', 'eat "all"'],
      environment: { MODE: 'fast', API_KEY: 'visible?' },
      secretEnvironment: { PIN: '***' },
      limits: { cpuPercent: 50, cpuWeight: 20, memoryBytes: 268_435_456n, pids: 64n },
      timeoutMs: 90_000n,
      stopGraceMs: 500n,
      workDir: '/work/src',
      hostname: 'box',
      seccompLevel: 2,
    },
    denials: [
      { call: 'ptrace', count: 3n, firstUs: CREATED_US + 2_000_000n, mend: '--seccomp 1' },
      { call: 'chroot', count: 0n, firstUs: CREATED_US + 3_000_000n },
    ],
    usage: {
      cpuUserUs: 1_250_000n,
      cpuSystemUs: 30_000n,
      memoryPeakBytes: 268_435_456n,
      pidsPeak: 3n,
      oomKills: 1n,
      pidsMaxHits: 0n,
    },
    failure: {
      layer: 'memory',
      operation: 'memory.max',
      object: 'job',
      cause: 'OOM',
      mend: 'Give it more with --max-memory.',
    },
    report: [
      { layer: 'namespace', item: 'pid', asked: 'new', kernel: 'pid:[4026532000]', ok: true },
      { layer: 'limit', item: 'memory.max', asked: '268435456', kernel: 'max', ok: false },
    ],
  });
}
