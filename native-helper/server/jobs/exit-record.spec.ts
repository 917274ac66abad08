import { describe, expect, it } from 'vitest';
import { JobStatus } from '../../api/gen/joblet_pb.js';
import { changeOf, type ExitRecord, exitRecordSchema } from './exit-record.ts';

const RECORD: ExitRecord = {
  version: 1,
  job: '0b5e3c4e-6f7a-4b8c-9d0e-1f2a3b4c5d6e',
  ran: true,
  exit_code: 0,
  signal: null,
  ended_by: 'exit',
  started_us: 1_700_000_000_000_000,
  ended_us: 1_700_000_001_000_000,
  usage: {
    cpu_user_us: 1000,
    cpu_system_us: 500,
    memory_peak_bytes: 4096,
    pids_peak: null,
    oom_kills: null,
    pids_max_hits: null,
    cpu_throttled_us: 0,
    memory_high_hits: 3,
    memory_max_hits: null,
    io_read_bytes: 512,
    io_written_bytes: 0,
    cpu_pressure_us: 70,
    memory_pressure_us: 0,
    io_pressure_us: null,
    paused_us: 2_000_000,
  },
  error: null,
  log_bytes: 12,
};

function endOf(change: Partial<ExitRecord>) {
  const { status, exitCode, signal, failure } = changeOf({ ...RECORD, ...change });
  return { status, exitCode, signal, failure };
}

describe('changeOf', () => {
  it.each<[string, Partial<ExitRecord>, JobStatus, number | null]>([
    ['its own zero', {}, JobStatus.COMPLETED, 0],
    ['its own code', { exit_code: 7 }, JobStatus.FAILED, 7],
    ['a signal', { ended_by: 'signal', exit_code: null, signal: 11 }, JobStatus.FAILED, 139],
    ['its time', { ended_by: 'timeout', exit_code: null, signal: 9 }, JobStatus.TIMEOUT, 124],
    ['a stop it obeyed', { ended_by: 'stop', exit_code: 3 }, JobStatus.STOPPED, 3],
    ['a stop by signal', { ended_by: 'stop', exit_code: null, signal: 15 }, JobStatus.STOPPED, 143],
    ['a kill', { ended_by: 'kill', exit_code: null, signal: 9 }, JobStatus.STOPPED, 137],
    ['want of memory', { ended_by: 'oom', exit_code: null, signal: 9 }, JobStatus.FAILED, 137],
    ['a refusal', { ended_by: 'refused', ran: false, exit_code: 125 }, JobStatus.FAILED, 125],
    ['a stop before it ran', { ended_by: 'stop', ran: false, exit_code: null }, JobStatus.STOPPED, 125],
  ])('tells what %s makes of a job', (_, change, status, exitCode) => {
    expect(endOf(change)).toMatchObject({ status, exitCode });
  });

  it('says of a job without memory what the kernel has counted', () => {
    const usage = { ...RECORD.usage, oom_kills: 3 };
    const { failure } = endOf({ ended_by: 'oom', exit_code: null, signal: 9, usage });
    expect(failure?.layer).toBe('memory');
    expect(failure?.cause).toContain('3 processes');
    expect(failure?.cause).toContain('oom_kill 3');
    expect(failure?.mend).toContain('--max-memory');
  });

  it('passes on who refused, doing what, to what, why, and what to do', () => {
    const error = { layer: 'exec', operation: 'execve', object: 'frobnicate', errno: 2, message: '' };
    const { failure, exitCode } = endOf({ ended_by: 'refused', ran: false, exit_code: 127, error });
    expect(exitCode).toBe(127);
    expect(failure).toMatchObject({
      layer: 'exec',
      operation: 'execve',
      object: 'frobnicate',
      cause: 'ENOENT',
    });
    expect(failure?.mend).toContain('executable');
  });

  it('sends nobody who has reached a limit on namespaces to look for a full disk', () => {
    const error = { layer: 'namespace', operation: 'clone3', object: 'init', errno: 28, message: '' };
    const { failure } = endOf({ ended_by: 'refused', ran: false, exit_code: 125, error });
    expect(failure).toMatchObject({
      cause: 'ENOSPC',
      mend: expect.stringContaining('user.max_*_namespaces'),
    });
  });

  it('tells who could make no process which bounds there are', () => {
    const error = { layer: 'process', operation: 'clone', object: 'true', errno: 11, message: '' };
    const { failure, exitCode } = endOf({ ended_by: 'refused', ran: false, exit_code: 125, error });
    expect(exitCode).toBe(125);
    expect(failure).toMatchObject({
      layer: 'process',
      cause: 'EAGAIN',
      mend: expect.stringMatching(/RLIMIT_NPROC.*pids\.max.*threads-max/),
    });
  });

  it('leaves out what the kernel keeps no count of', () => {
    const { usage } = changeOf(RECORD);
    expect(usage?.memoryPeakBytes).toBe(4096n);
    expect(usage?.pidsPeak).toBeUndefined();
  });
});

describe('the schema of the record', () => {
  it('takes what a monitor writes', () => {
    expect(exitRecordSchema.parse(JSON.parse(JSON.stringify(RECORD)))).toEqual(RECORD);
  });

  it.each([
    ['an unknown field', { ...RECORD, extra: 1 }],
    ['another version', { ...RECORD, version: 2 }],
    ['a code beyond a byte', { ...RECORD, exit_code: 256 }],
    ['an end that is none', { ...RECORD, ended_by: 'boredom' }],
    ['a negative count', { ...RECORD, log_bytes: -1 }],
  ])('refuses %s', (_, record) => {
    expect(exitRecordSchema.safeParse(record).success).toBe(false);
  });
});

describe('the denials of a record', () => {
  it('become those of the job', () => {
    const { denials } = changeOf({
      ...RECORD,
      denials: { level: 2, calls: [[-1, 4, 1_700_000_000_500_000]], others: 0 },
    });
    expect(denials?.map(({ call, count }) => [call, count])).toEqual([['a call of another ABI', 4n]]);
  });

  it('are left alone when there are none, or the monitor knew of none', () => {
    expect(changeOf({ ...RECORD, denials: { level: 2, calls: [], others: 0 } })).not.toHaveProperty(
      'denials',
    );
    expect(changeOf(RECORD)).not.toHaveProperty('denials');
  });

  it.each([
    ['of more kinds than a monitor tells apart', { level: 2, calls: Array(33).fill([1, 1, 1]), others: 0 }],
    ['with a field too many', { level: 2, calls: [[1, 1, 1, 1]], others: 0 }],
    ['with a count below zero', { level: 2, calls: [[1, -1, 1]], others: 0 }],
  ])('are refused %s', (_what, denials) => {
    expect(exitRecordSchema.safeParse({ ...RECORD, denials }).success).toBe(false);
  });
});
