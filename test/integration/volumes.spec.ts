import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { create } from '@bufbuild/protobuf';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  CreateVolumeRequestSchema,
  type Job,
  type JobSpec,
  JobStatus,
  type Volume,
  VolumeType,
} from '../../native-helper/api/gen/joblet_pb.js';
import { pathsUnder } from '../../native-helper/api/paths.ts';
import { detachMount } from '../../native-helper/kernel/mount.ts';
import { readMounts } from '../../native-helper/kernel/mountinfo.ts';
import type { JobManager } from '../../native-helper/server/jobs/job-manager.ts';
import {
  closeJobService,
  logOf,
  openJobService,
  runToEnd,
  shell,
  specOf,
  untilEnded,
  untilOutput,
} from '../fixtures/job-service.ts';
import { temporaryRoot } from '../fixtures/root.ts';

const MEBIBYTE = 2n ** 20n;
const { FILESYSTEM, MEMORY } = VolumeType;
const KILL_AT_STEP = fileURLToPath(new URL('../fixtures/kill-at-any-step.ts', import.meta.url));
const PROCESS = fileURLToPath(new URL('../fixtures/volume-process.ts', import.meta.url));

let root: string;
let jobs: JobManager;

beforeEach(async () => {
  root = temporaryRoot();
  jobs = await openJobService(root);
});
afterEach(async () => {
  for (const { name } of jobs.volumes.list()) {
    await jobs.volumes.remove(name);
  }
  await closeJobService(jobs);
  expect(mountPoints()).toEqual([]);
  rmSync(root, { recursive: true });
});

async function startAgain(meanwhile: () => void = () => {}): Promise<void> {
  await closeJobService(jobs);
  meanwhile();
  jobs = await openJobService(root);
}

function make(name: string, type: VolumeType = FILESYSTEM, sizeBytes = 8n * MEBIBYTE): Promise<Volume> {
  return jobs.volumes.create(create(CreateVolumeRequestSchema, { name, type, sizeBytes }), 1000);
}

/** @param names `name`, or `name:ro` */
function using(names: readonly string[], line: string, more: Parameters<typeof shell>[1] = {}): JobSpec {
  const volumes = names.map((name) => ({ name: name.replace(/:ro$/, ''), readOnly: name.endsWith(':ro') }));
  return shell(line, { volumes, ...more });
}

async function outputOf(spec: JobSpec): Promise<{ job: Job; output: string }> {
  const job = await runToEnd(jobs, spec);
  return { job, output: (await logOf(jobs, job.uuid)).toString() };
}

const directory = () => pathsUnder(root).volumesDirectory;

function mountPoints(): string[] {
  return readMounts()
    .map(({ mountPoint }) => mountPoint)
    .filter((mountPoint) => mountPoint.startsWith(directory()));
}

describe.each([
  ['filesystem', FILESYSTEM],
  ['memory', MEMORY],
] as const)('a volume of type %s', (_, type) => {
  it('is seen by job after job, is their user’s, and is told of', async () => {
    const made = await make('data', type);
    expect(made).toMatchObject({ name: 'data', type, sizeBytes: 8n * MEBIBYTE, ownerUid: 1000, fault: '' });
    const wrote = await outputOf(
      using(['data'], 'echo kept >/volumes/data/file && stat -c %a:%u /volumes/data'),
    );
    expect(wrote.output).toBe('700:65534\n');
    const read = await outputOf(using(['data'], 'cat /volumes/data/file'));
    expect(read.output).toBe('kept\n');
    expect(read.job.report.every(({ ok }) => ok)).toBe(true);
    expect(read.job.report.some(({ item }) => item.includes('/volumes/data'))).toBe(true);
    const [listed] = jobs.volumes.list();
    expect(listed).toMatchObject({ name: 'data', jobs: 0, fault: '' });
    expect(Number(listed?.usedBytes)).toBeGreaterThan(0);
  });

  it('runs programs, and honours neither set-uid bits nor device nodes; read-only is read-only', async () => {
    await make('data', type);
    const { output } = await outputOf(
      using(
        ['data'],
        'cp /bin/true /volumes/data/mine; chmod 4755 /volumes/data/mine; /volumes/data/mine && echo ran;' +
          'grep " /volumes/data " /proc/self/mountinfo | grep -o "nosuid,nodev" | head -1',
        // Each other level denies the set-uid bit itself.
        { seccompLevel: 0 },
      ),
    );
    expect(output).toBe('ran\nnosuid,nodev\n');
    const readOnly = await outputOf(using(['data:ro'], 'touch /volumes/data/x 2>&1 || ls /volumes/data'));
    expect(readOnly.output).toMatch(/Read-only file system\nmine\n$/);
  });

  it('gives ENOSPC when it is full, to nobody else', async () => {
    await make('small', type, 2n * MEBIBYTE);
    await make('other', type);
    const { output } = await outputOf(
      using(
        ['small', 'other'],
        'exec 2>&1; head -c 4000000 /dev/zero >/volumes/small/a; head -c 1000000 /dev/zero >/volumes/other/b && echo fits',
      ),
    );
    expect(output).toMatch(/No space left on device\nfits\n$/);
    const many = await outputOf(
      using(
        ['small'],
        'rm /volumes/small/a; for i in $(seq 3000); do true >/volumes/small/$i || exit 0; done; exit 1',
      ),
    );
    expect(many.job.exitCode).not.toBe(1);
    expect(many.output).toContain('No space left on device');
  });

  it('is shared by jobs at one time', async () => {
    await make('data', type);
    const reader = await jobs.run(
      using(['data'], 'until [ -e /volumes/data/flag ]; do sleep 0.05; done; cat /volumes/data/flag'),
      0,
    );
    const write = 'echo from another >/volumes/data/new; mv /volumes/data/new /volumes/data/flag';
    await runToEnd(jobs, using(['data'], write));
    await untilEnded(jobs, reader.uuid);
    expect((await logOf(jobs, reader.uuid)).toString()).toBe('from another\n');
  });

  it('is there with the next helper, with all that is in it', async () => {
    await make('data', type);
    await runToEnd(jobs, using(['data'], 'echo kept >/volumes/data/file'));
    await startAgain();
    expect(mountPoints()).toHaveLength(1);
    expect((await outputOf(using(['data'], 'cat /volumes/data/file'))).output).toBe('kept\n');
  });

  it('is removed only while no job that has not ended uses it', async () => {
    await make('data', type);
    const running = await jobs.run(using(['data'], 'echo ready; sleep 60'), 0);
    await untilOutput(jobs, running.uuid, 'ready');
    await expect(jobs.volumes.remove('data')).rejects.toMatchObject({
      kind: 'conflict',
      message: expect.stringContaining('used by 1 job'),
    });
    await jobs.stop(running.uuid, 0n);
    const startAtUs = BigInt(Date.now() + 3_600_000) * 1000n;
    const waiting = await jobs.run(using(['data'], 'true', { startAtUs }), 0);
    expect(jobs.volumes.list()).toMatchObject([{ jobs: 1 }]);
    await expect(jobs.volumes.remove('data')).rejects.toMatchObject({ kind: 'conflict' });
    await jobs.cancel(waiting.uuid);
    await jobs.volumes.remove('data');
    expect(jobs.volumes.list()).toEqual([]);
    expect(readdirSync(directory())).toEqual([]);
  });
});

/** @returns what it had said by then */
async function killedAtStep(step: number): Promise<string> {
  const service = spawn(process.execPath, ['--import', KILL_AT_STEP, PROCESS, root], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, KILL_AT_STEP: String(step) },
  });
  const ended = once(service, 'exit');
  const told = await text(service.stdout);
  const [code, signal] = await ended;
  expect(signal ?? code).toBe(told === 'made\nremoved\n' ? 0 : 'SIGKILL');
  return told;
}

describe('volumes', () => {
  it('are attached again after a start of the machine: on disk as they were, in memory empty', async () => {
    await make('disk', FILESYSTEM);
    await make('memory', MEMORY);
    await runToEnd(jobs, using(['disk', 'memory'], 'touch /volumes/disk/kept /volumes/memory/gone'));
    await startAgain(() => mountPoints().forEach(detachMount));
    const { output } = await outputOf(using(['disk', 'memory'], 'ls -A /volumes/disk /volumes/memory'));
    expect(output).toBe('/volumes/disk:\nkept\n\n/volumes/memory:\n');
  });

  it('never are a folder without a size: a job whose volume is not mounted is refused', async () => {
    await make('data', FILESYSTEM);
    mountPoints().forEach(detachMount);
    const { job } = await outputOf(using(['data'], 'true'));
    expect(job).toMatchObject({ status: JobStatus.FAILED, exitCode: 125, failure: { layer: 'volume' } });
    expect(jobs.volumes.list()).toMatchObject([{ fault: expect.stringContaining('not mounted') }]);
  });

  it('that are damaged keep neither the helper nor the others from work', async () => {
    await make('bad', FILESYSTEM);
    const [image = ''] = readdirSync(directory()).filter((name) => name.endsWith('.image'));
    await make('good', FILESYSTEM);
    await startAgain(() => {
      mountPoints().forEach(detachMount);
      writeFileSync(join(directory(), image), 'no file system');
    });
    expect(jobs.volumes.list()).toMatchObject([
      { name: 'bad', fault: expect.stringContaining('not mounted') },
      { name: 'good', fault: '' },
    ]);
  });

  it('are there or are not after a helper that was killed at any step of making and removing it', async () => {
    let told = '';
    for (let step = 1; told !== 'made\nremoved\n'; step += 1) {
      await closeJobService(jobs);
      told = await killedAtStep(step);
      jobs = await openJobService(root);
      const names = jobs.volumes.list().map(({ name }) => name);
      expect(mountPoints(), `step ${step}`).toHaveLength(names.length);
      expect(readdirSync(directory()), `step ${step}`).toHaveLength(2 * names.length);
      for (const name of names) {
        expect((await outputOf(using([name], 'touch /volumes/data/x && echo works'))).output).toBe('works\n');
        await jobs.volumes.remove(name);
      }
    }
    expect(jobs.volumes.list()).toEqual([]);
  });

  it('of nobody are swept away', async () => {
    await startAgain(() => mkdirSync(join(directory(), 'dddddddd-dddd-4ddd-8ddd-dddddddddddd')));
    expect(readdirSync(directory())).toEqual([]);
  });

  it('are never called what is a path, or more than a name (CVE-2026-7474)', async () => {
    const names = ['', '.', '..', '../../etc', 'a/b', '/abs', '-rf', 'é', 'a\0b', 'a b', 'x'.repeat(10_000)];
    for (const name of names) {
      await expect(make(name)).rejects.toMatchObject({ kind: 'invalid' });
      await expect(jobs.run(using([name], 'true'), 0)).rejects.toMatchObject({ kind: 'invalid' });
      await expect(jobs.volumes.remove(name)).rejects.toMatchObject({ kind: 'not_found' });
    }
    expect(readdirSync(directory())).toEqual([]);
  });

  it('without a size, or with one that can not be, are refused, and leave nothing', async () => {
    const refused = [
      [0n, FILESYSTEM, 'invalid'],
      [1000n, FILESYSTEM, 'invalid'],
      [2n ** 64n - 1n, FILESYSTEM, 'invalid'],
      [2n ** 43n, FILESYSTEM, 'exhausted'],
      [2n ** 43n, MEMORY, 'refused'],
      [8n * MEBIBYTE, 9 as VolumeType, 'invalid'],
    ] as const;
    for (const [size, type, kind] of refused) {
      await expect(make('data', type, size)).rejects.toMatchObject({ kind });
    }
    expect(jobs.volumes.list()).toEqual([]);
    expect(readdirSync(directory())).toEqual([]);
  });

  it('have a name each, and are asked for by name', async () => {
    await make('data', MEMORY);
    await expect(make('data', FILESYSTEM)).rejects.toMatchObject({ kind: 'conflict' });
    expect(jobs.volumes.list()).toMatchObject([{ type: MEMORY }]);
    await expect(jobs.run(using(['data', 'other'], 'true'), 0)).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('joblet volume create other'),
    });
    const twice = specOf('true', [], { volumes: [{ name: 'data' }, { name: 'data' }] });
    await expect(jobs.run(twice, 0)).rejects.toMatchObject({ kind: 'invalid' });
    expect(jobs.status().total).toBe(0);
  });

  it('are removed once, however often that is asked for at one time', async () => {
    await make('data', FILESYSTEM);
    const results = await Promise.allSettled(Array.from({ length: 4 }, () => jobs.volumes.remove('data')));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });
});
