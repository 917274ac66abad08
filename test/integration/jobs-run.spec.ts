import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { JobStatus, LimitsSchema, LogStream } from '../../native-helper/api/gen/joblet_pb.js';
import {
  logOf,
  runToEnd,
  type Service,
  shell,
  specOf,
  temporaryService,
  untilEnded,
} from '../fixtures/job-service.ts';

let service: Service;

beforeAll(async () => {
  service = await temporaryService();
});
afterAll(async () => service[Symbol.asyncDispose]());

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

describe('a job', () => {
  it('runs, and gives back both streams exactly', async () => {
    const { jobs } = service;
    const job = await runToEnd(jobs, shell('echo to stdout; echo to stderr >&2; printf "no newline"'));
    expect(job).toMatchObject({ status: JobStatus.COMPLETED, exitCode: 0, waitingFor: '', nodeId: 'test' });
    expect(job.startedUs).toBeGreaterThan(0n);
    expect(job.endedUs).toBeGreaterThanOrEqual(job.startedUs);
    expect((await logOf(jobs, job.uuid, LogStream.STDOUT)).toString()).toBe('to stdout\nno newline');
    expect((await logOf(jobs, job.uuid, LogStream.STDERR)).toString()).toBe('to stderr\n');
  });

  it('loses no byte of 50 MB of noise', async () => {
    const { jobs } = service;
    const line = 'head -c 50000000 /dev/urandom > noise; cat noise; sha256sum < noise >&2';
    const job = await runToEnd(jobs, shell(line));
    const noise = await logOf(jobs, job.uuid, LogStream.STDOUT);
    const sum = (await logOf(jobs, job.uuid, LogStream.STDERR)).toString();
    expect(noise.length).toBe(50_000_000);
    expect(sum).toBe(`${sha256(noise)}  -\n`);
    expect(job.logBytes).toBe(BigInt(noise.length + sum.length));
  });

  it('is reported as isolated as the kernel says it is', async () => {
    const job = await runToEnd(service.jobs, specOf('true'));
    expect(job.report.length).toBeGreaterThan(5);
    expect(job.report.filter(({ ok }) => !ok)).toEqual([]);
  });

  it.each([
    ['its own code', shell('exit 7'), { status: JobStatus.FAILED, exitCode: 7 }],
    [
      'the signal that ended it',
      shell('kill -SEGV $$'),
      { status: JobStatus.FAILED, exitCode: 139, signal: 11 },
    ],
    ['its time', specOf('sleep', ['100'], { timeoutMs: 300n }), { status: JobStatus.TIMEOUT, exitCode: 124 }],
  ])('ends with %s', async (_, spec, expected) => {
    expect(await runToEnd(service.jobs, spec)).toMatchObject(expected);
  });

  it.each([
    ['is not there', specOf('frobnicate'), 127, 'frobnicate', 'ENOENT'],
    ['is no program', specOf('/etc/passwd'), 126, '/etc/passwd', 'EACCES'],
  ])('whose command %s says so', async (_, spec, exitCode, object, cause) => {
    const job = await runToEnd(service.jobs, spec);
    expect(job).toMatchObject({ status: JobStatus.FAILED, exitCode });
    expect(job.failure).toMatchObject({ layer: 'exec', object });
    expect(job.failure?.cause).toContain(cause);
    expect(job.failure?.mend).not.toBe('');
  });

  it('whose working folder is not there says which, and what to do', async () => {
    const job = await runToEnd(service.jobs, specOf('true', [], { workDir: '/nowhere' }));
    expect(job).toMatchObject({ status: JobStatus.FAILED, exitCode: 125 });
    expect(job.failure).toMatchObject({ layer: 'workdir', operation: 'chdir', object: '/nowhere' });
    expect(job.failure?.mend).toContain('--workdir');
  });

  it('gets its arguments as they are, whatever is in them', async () => {
    const args = ['a b', '*', '$(id)', '-n', 'line\nbreak', 'ü€', '\u0001\u001b[31m', ''];
    const job = await runToEnd(service.jobs, specOf('printf', ['%s|', ...args]));
    expect((await logOf(service.jobs, job.uuid)).toString()).toBe(
      args.map((argument) => `${argument}|`).join(''),
    );
  });

  it('runs beside a hundred others', async () => {
    const { jobs } = service;
    const started = await Promise.all(
      Array.from({ length: 100 }, (_, number) => jobs.run(specOf('echo', [String(number)]), 0)),
    );
    for (const [number, { uuid }] of started.entries()) {
      expect(await untilEnded(jobs, uuid)).toMatchObject({ status: JobStatus.COMPLETED });
      expect((await logOf(jobs, uuid)).toString()).toBe(`${number}\n`);
    }
  });

  it('that asks for what is not possible here is refused, and nothing is left of it', async () => {
    const { jobs, paths } = service;
    if (jobs.status().controllers.includes('memory')) {
      return;
    }
    const before = readdirSync(paths.jobsDirectory).length;
    const limits = create(LimitsSchema, { memoryBytes: 2n ** 30n });
    await expect(jobs.run(specOf('true', [], { limits }), 0)).rejects.toMatchObject({
      kind: 'refused',
      details: { layer: 'cgroup', object: 'memory.max' },
    });
    expect(readdirSync(paths.jobsDirectory)).toHaveLength(before);
  });
});

describe('the secrets of a job', () => {
  const SECRET = 'correct-horse-battery-staple';
  const spec = shell('test "$DATABASE_PASSWORD" = "$WANTED" && echo same', {
    environment: { WANTED: SECRET, API_TOKEN: SECRET },
    secretEnvironment: { DATABASE_PASSWORD: SECRET },
  });

  it('reach it, and are shown to nobody', async () => {
    const { jobs } = service;
    const job = await runToEnd(jobs, spec);
    expect((await logOf(jobs, job.uuid)).toString()).toBe('same\n');
    expect(job.spec?.secretEnvironment).toEqual({ DATABASE_PASSWORD: '***' });
    expect(job.spec?.environment).toEqual({ WANTED: SECRET, API_TOKEN: '***' });
  });

  it('are in no file', async () => {
    const { jobs, paths, root } = service;
    const only = shell('true', { secretEnvironment: { DATABASE_PASSWORD: 'only-in-memory-7291' } });
    const { uuid } = await runToEnd(jobs, only);
    const folder = join(paths.jobsDirectory, uuid);
    const files = [
      ...readdirSync(folder)
        .filter((name) => name !== 'work')
        .map((name) => join(folder, name)),
      ...readdirSync(paths.stateDirectory, { withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map(({ name }) => join(paths.stateDirectory, name)),
      join(root, 'service.log'),
    ];
    expect(files.map((path) => path.slice(folder.length + 1))).toContain('plan');
    for (const path of files) {
      expect(readFileSync(path).includes('only-in-memory-7291'), path).toBe(false);
    }
    expect(readFileSync(join(folder, 'plan')).includes('DATABASE_PASSWORD=***')).toBe(true);
  });
});
