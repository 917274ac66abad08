/** The texts that scripts grep and the JSON that they parse, to the letter. */
import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { FailureSchema, type Job, JobStatus } from '../../../native-helper/api/gen/joblet_pb.js';
import { CREATED_US, fullJob, plainJob, UUID } from './job.fixture.ts';
import { failureText, jobEndJson, jobEndText } from './job-end.ts';
import { jobListRow, jobListText } from './job-list.ts';
import { jobStatusText } from './job-status.ts';
import { jobStatusJson } from './job-status-json.ts';
import { jsonText } from './json.ts';
import { submissionJson, submissionText } from './submission.ts';
import { localTime } from './time.ts';

const throughJson = (value: unknown): unknown => JSON.parse(jsonText(value));

describe('job run', () => {
  it('as text', () => {
    expect(submissionText(plainJob())).toBe(
      `Job submitted:\nID: ${UUID}\nCommand: echo hello world\nStatus: INITIALIZING\n`,
    );
  });

  it('says what a queued job waits for', () => {
    const job = { ...plainJob(), status: JobStatus.QUEUED, waitingFor: 'a free start' };
    expect(submissionText(job)).toContain('Status: QUEUED\nWaiting For: a free start\n');
  });

  it('as JSON, with variables only where there are any', () => {
    expect(throughJson(submissionJson(plainJob()))).toEqual({
      job_uuid: UUID,
      command: 'echo',
      args: ['hello', 'world'],
      status: 'INITIALIZING',
    });
    expect(throughJson(submissionJson(fullJob()))).toMatchObject({
      env_vars: { MODE: 'fast', API_KEY: '***' },
      secret_env_vars: { PIN: '***' },
    });
  });
});

describe('job list', () => {
  it('as text: header, dashes, a row a job', () => {
    const dashes = ['-'.repeat(36), '-'.repeat(11), '-'.repeat(12), '-'.repeat(19), '-'.repeat(16)].join(
      '  ',
    );
    expect(jobListText([plainJob(), fullJob()]).split('\n')).toEqual([
      'ID                                    NODE ID      STATUS        START TIME           COMMAND',
      dashes,
      `${UUID}  workstation  INITIALIZING  -                    echo hello world`,
      `${UUID}  workstation  FAILED        ${localTime(CREATED_US)}  sh -c eat "all"`,
      '',
    ]);
  });

  it('cuts a command at 80 characters', () => {
    const job = plainJob();
    if (job.spec !== undefined) {
      job.spec.args = ['x'.repeat(200)];
    }
    const row = jobListText([job]).split('\n')[2] ?? '';
    expect(row.slice(row.indexOf('echo'))).toBe(`echo ${'x'.repeat(72)}...`);
  });

  it('keeps a hostile command on its line', () => {
    const job = plainJob();
    if (job.spec !== undefined) {
      job.spec.args = ['\u001b[2J\nfake-row'];
    }
    expect(jobListText([job]).split('\n')).toHaveLength(4);
    expect(jobListText([job])).toContain('echo \\x1b[2J\\nfake-row');
  });

  it('without jobs', () => {
    expect(jobListText([])).toBe('No jobs found\n');
  });

  it('marks a job that the helper could not read whole', () => {
    const failure = { layer: 'state', object: `spec of job ${UUID}`, cause: 'is damaged' };
    const job: Job = { ...plainJob(), failure: create(FailureSchema, failure) };
    expect(jobListText([job])).toContain('  [damaged] echo hello world\n');
    expect(jobListRow(job)).toMatchObject({ damage: `spec of job ${UUID}: is damaged` });
    expect(jsonText([])).toBe('[]\n');
  });

  it('as JSON', () => {
    expect(throughJson(jobListRow(fullJob()))).toEqual({
      id: UUID,
      name: 'hungry',
      node_id: 'workstation',
      status: 'FAILED',
      start_time: '2026-01-02T03:04:05.680401Z',
      end_time: '2026-01-02T03:05:06.680401Z',
      command: 'sh',
      args: ['-c', 'eat "all"'],
      exit_code: 137,
      max_cpu: 50,
      max_memory: 256,
      created_time: '2026-01-02T03:04:05.678901Z',
    });
    expect(throughJson(jobListRow(plainJob()))).toEqual({
      id: UUID,
      node_id: 'workstation',
      status: 'INITIALIZING',
      start_time: '',
      command: 'echo',
      args: ['hello', 'world'],
      created_time: '2026-01-02T03:04:05.678901Z',
    });
  });
});

describe('job status', () => {
  it('as text', () => {
    const lines = jobStatusText(fullJob(), 0n).split('\n');
    expect(lines).toEqual([
      `Job ID: ${UUID}`,
      'Name: hungry',
      'Node ID: workstation',
      'Command: sh -c eat "all"',
      'Status: FAILED',
      '',
      'Scheduling Information:',
      '  Start: at once',
      '',
      'Timing:',
      `  Created: ${localTime(CREATED_US)}`,
      `  Started: ${localTime(CREATED_US)}`,
      `  Ended: ${localTime(CREATED_US + 61_000_000n)}`,
      '  Duration: 1m1s',
      '',
      'Resource Limits:',
      '  Max CPU: 50%',
      '  CPU Weight: 20',
      '  Max Memory: 256 MB',
      '  Max PIDs: 64',
      '  Timeout: 1m30s',
      '  Stop Grace: 500ms',
      '',
      'Runtime: none',
      'Network: host',
      'Volumes: none',
      'Work Dir: /work/src',
      'Host Name: box',
      'Seccomp Level: 2',
      'Input: none',
      'Uploaded Files: none',
      '',
      'Environment Variables:',
      '  API_KEY=*** (secret)',
      '  MODE=fast',
      '  PIN=*** (secret)',
      '',
      'Usage:',
      '  CPU User: 1.250s',
      '  CPU System: 0.030s',
      '  Memory Peak: 256 MB',
      '  PIDs Peak: 3',
      '  OOM Kills: 1 (memory.events oom_kill)',
      '  PIDs Limit Hits: 0 (pids.events max)',
      '',
      'Denied System Calls:',
      '  CALL    TIMES  FIRST                ALLOWED WITH',
      '  ------  -----  -------------------  ------------',
      `  ptrace  3      ${localTime(CREATED_US + 2_000_000n)}  --seccomp 1`,
      `  chroot  -      ${localTime(CREATED_US + 3_000_000n)}  -`,
      '',
      'Failure:',
      '  Layer: memory',
      '  Operation: memory.max',
      '  Object: job',
      '  Cause: OOM',
      '  Mend: Give it more with --max-memory.',
      '',
      'Isolation:',
      '           LAYER      ITEM        ASKED      KERNEL',
      '  -------  ---------  ----------  ---------  ----------------',
      '  ok       namespace  pid         new        pid:[4026532000]',
      '  DIFFERS  limit      memory.max  268435456  max',
      '',
      'Signal: 9 (SIGKILL)',
      'Exit Code: 137',
      '',
    ]);
  });

  it('keeps its headings where there is nothing to tell, and no code before the end', () => {
    const text = jobStatusText({ ...plainJob(), startedUs: CREATED_US }, CREATED_US + 1_500_000n);
    expect(text).toContain('Resource Limits:\n  none\n');
    expect(text).toContain('Environment Variables:\n  none\n');
    expect(text).toContain('  Duration: 1.500s\n');
    expect(text).not.toContain('Exit Code');
  });

  it('as JSON, with all keys of the interface and ours after them', () => {
    expect(throughJson(jobStatusJson(plainJob()))).toEqual({
      uuid: UUID,
      nodeId: 'workstation',
      command: 'echo',
      args: ['hello', 'world'],
      status: 'INITIALIZING',
      startTime: '',
      endTime: '',
      exitCode: null,
      scheduledTime: '',
      environment: {},
      secretEnvironment: {},
      network: 'host',
      volumes: [],
      runtime: '',
      workDir: '/work',
      uploads: [],
      createdTime: '2026-01-02T03:04:05.678901Z',
      ownerUid: 0,
      logBytes: 0,
      isolation: [],
    });
    expect(throughJson(jobStatusJson(fullJob()))).toMatchObject({
      exitCode: 137,
      maxCPU: 50,
      maxMemory: 256,
      maxPids: 64,
      environment: { MODE: 'fast', API_KEY: '***' },
      secretEnvironment: { PIN: '***' },
      signalName: 'SIGKILL',
      usage: { oomKills: 1, memoryPeakBytes: 268_435_456 },
      failure: { layer: 'memory', cause: 'OOM' },
      isolation: [
        { layer: 'namespace', item: 'pid', asked: 'new', kernel: 'pid:[4026532000]', ok: true },
        { layer: 'limit', item: 'memory.max', asked: '268435456', kernel: 'max', ok: false },
      ],
    });
  });
});

describe("a job's end", () => {
  it('as text, as JSON and as a line', () => {
    const job = fullJob();
    expect(jobEndText(job)).toBe(`Job ended:\nID: ${UUID}\nStatus: FAILED\nExit Code: 137\n`);
    expect(throughJson(jobEndJson(job))).toMatchObject({ job_uuid: UUID, status: 'FAILED', exit_code: 137 });
    expect(failureText(job)).toBe('memory: memory.max job: OOM. Give it more with --max-memory.');
    expect(failureText(plainJob())).toBeUndefined();
  });
});

describe('jsonText', () => {
  it('writes every digit of a bigint', () => {
    expect(jsonText({ bytes: 2n ** 63n - 1n })).toBe('{\n  "bytes": 9223372036854775807\n}\n');
  });
});
