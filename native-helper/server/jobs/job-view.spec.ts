import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { JobSpecSchema, JobStatus, LimitsSchema } from '../../api/gen/joblet_pb.js';
import { jobMessage, storable } from './job-view.ts';
import { checkedSpec } from './specification.ts';

const SPEC = create(JobSpecSchema, {
  command: 'deploy',
  environment: {
    API_TOKEN: 'a',
    DEPLOY_KEY: 'b',
    SECRET_SAUCE: 'c',
    DB_PASSWORD: 'd',
    KEYBOARD: 'us',
    MY_TOKENS: 'x',
  },
  secretEnvironment: { ANYTHING: 'hidden' },
});

describe('a job as it is shown', () => {
  const job = jobMessage(
    {
      uuid: '0b5e3c4e-6f7a-4b8c-9d0e-1f2a3b4c5d6e',
      status: JobStatus.QUEUED,
      ownerUid: 1000,
      createdUs: 7,
      startedUs: 0,
      endedUs: 0,
      dueUs: 0,
      exitCode: null,
      signal: null,
      failure: null,
      usage: null,
      denials: [],
      logState: null,
      spec: SPEC,
    },
    { nodeId: 'here', waitingFor: 'a place', addresses: ['10.0.0.2'], attempts: [] },
  );

  it('has no secret value, nor one whose name says that it is secret', () => {
    expect(job.spec?.secretEnvironment).toEqual({ ANYTHING: '***' });
    expect(job.spec?.environment).toEqual({
      API_TOKEN: '***',
      DEPLOY_KEY: '***',
      SECRET_SAUCE: '***',
      DB_PASSWORD: '***',
      KEYBOARD: 'us',
      MY_TOKENS: 'x',
    });
  });

  it('has no end before it has ended', () => {
    expect(job).toMatchObject({ endedUs: 0n, waitingFor: 'a place', nodeId: 'here' });
    expect(job.exitCode).toBeUndefined();
    expect(job.failure).toBeUndefined();
  });

  it('is stored with the names of its secrets alone', () => {
    expect(storable(SPEC).secretEnvironment).toEqual({ ANYTHING: '***' });
    expect(storable(SPEC).environment).toEqual(SPEC.environment);
  });
});

describe('checkedSpec', () => {
  it('takes what is within its bounds', () => {
    const limits = create(LimitsSchema, { cpuPercent: 50, memoryBytes: 2n ** 30n });
    const checked = checkedSpec(create(JobSpecSchema, { command: 'make', args: ['-j'], limits }));
    expect(checked).toMatchObject({ command: 'make', limits: { cpuPercent: 50, memoryBytes: 2n ** 30n } });
  });

  it.each([
    ['an empty command', { command: ' ' }, 'command'],
    ['a NUL', { command: 'a\0b' }, 'command'],
    ['a line break in a name', { command: 'a', name: 'x\ny' }, 'name'],
    [
      'a name that is a path, in the environment',
      { command: 'a', environment: { '../x': '' } },
      'environment',
    ],
    ['a reserved variable', { command: 'a', secretEnvironment: { JOB_ID: '1' } }, 'secretEnvironment.JOB_ID'],
    ['a time beyond a year', { command: 'a', timeoutMs: 2n ** 64n - 1n }, 'timeoutMs'],
    [
      'a limit beyond any machine',
      { command: 'a', limits: { memoryBytes: 2n ** 64n - 1n } },
      'limits.memoryBytes',
    ],
    ['a work directory that climbs', { command: 'a', workDir: '/work/../etc' }, 'workDir'],
  ])('refuses %s by the name of the field', (_, spec, object) => {
    expect(() => checkedSpec(create(JobSpecSchema, spec))).toThrow(
      expect.objectContaining({
        kind: 'invalid',
        details: expect.objectContaining({ object: expect.stringContaining(object) }),
      }),
    );
  });

  it('refuses fields of a later version, which it could not carry out', () => {
    const spec = {
      ...create(JobSpecSchema, { command: 'a' }),
      $unknown: [{ no: 99, wireType: 0, data: new Uint8Array(1) }],
    };
    expect(() => checkedSpec(spec)).toThrow(/does not know/);
  });
});
