/** Files of a user's on their way into a job's /work, whatever breaks on the way, and whoever sends them. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  FileType,
  type Job,
  JobStatus,
  ListJobsRequestSchema,
  type UploadFilesRequest,
  UploadFilesRequestSchema,
} from '../../native-helper/api/gen/joblet_pb.js';
import { pathsUnder } from '../../native-helper/api/paths.ts';
import type { Client } from '../../src-main/client/index.ts';
import { localFilesOf } from '../../src-main/client/local-tree.ts';
import {
  closeJobService,
  openJobService,
  shell,
  temporaryService,
  untilEnded,
} from '../fixtures/job-service.ts';
import { temporaryRoot } from '../fixtures/root.ts';
import { CommandLine, outcomeOf } from './cli-harness.ts';

const joblet = CommandLine.forFile();
const KILL_AT_STEP = fileURLToPath(new URL('../fixtures/kill-at-step.ts', import.meta.url));
const PROCESS = fileURLToPath(new URL('../fixtures/upload-process.ts', import.meta.url));
const MEBIBYTE = 1_048_576;
const PATIENCE_MS = 20_000;

let local: string;
beforeAll(() => {
  local = temporaryRoot();
});
afterAll(() => rmSync(local, { recursive: true }));

function folderWith(name: string, files: Readonly<Record<string, string | Buffer>>): string {
  const folder = join(local, name);
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  return folder;
}

function jobFolder(uuid: string): string {
  return join(joblet.root, 'var/lib/joblet/jobs', uuid);
}

describe('job run --upload', () => {
  it('brings a tree as it is, and starts the job when all is there', async () => {
    const folder = folderWith('tree', { 'a/b/run.sh': '#!/bin/sh\necho from $0\n', 'a/empty': '' });
    mkdirSync(join(folder, 'nothing'));
    spawnSync('chmod', ['6755', join(folder, 'a/b/run.sh')]);
    utimesSync(join(folder, 'a/empty'), 1_000_000_000, 1_000_000_000.5);
    symlinkSync('b/run.sh', join(folder, 'a/link'));
    writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xff, 0x0a])]), 'odd');
    truncateSync(folderWith('single', { holes: '' }).concat('/holes'), 8 * MEBIBYTE);
    const line = 'stat -c "%a %u %s %Y %n" a/b/run.sh a/empty nothing holes; a/link; cat $(printf "\\377")*';
    const { stdout, stderr, exitCode } = await joblet.run(
      ...['job', 'run', '--upload', join(local, 'single/holes'), '--upload-dir', folder, '--follow'],
      ...['sh', '-c', line],
    );
    expect({ stderr, exitCode }).toMatchObject({ exitCode: 0 });
    expect(stderr).toContain('Files: 5 uploaded successfully\n');
    expect(stdout.replaceAll(/ 1[0-9]{9} /g, (time) => (time === ' 1000000000 ' ? time : ' now '))).toBe(
      [
        '755 65534 23 now a/b/run.sh',
        '644 65534 0 1000000000 a/empty',
        '755 65534 4096 now nothing',
        `644 65534 ${8 * MEBIBYTE} now holes`,
        'from a/link',
        'odd',
      ].join('\n'),
    );
    const uuid = /ID: (\S+)/.exec(stderr)?.[1] ?? '';
    const work = join(jobFolder(uuid), 'work');
    expect(readdirSync(work, 'latin1').sort()).toEqual(['a', 'holes', 'nothing', '\xff\n']);
    expect(lstatSync(join(work, 'holes')).blocks).toBe(0);
    const status = await joblet.json('job', 'status', uuid);
    expect(status.uploads).toEqual([join(local, 'single/holes'), folder]);
    await joblet.run('job', 'delete', uuid);
    expect(existsSync(jobFolder(uuid))).toBe(false);
  });

  it.each<[what: string, make: (folder: string) => void, reason: string]>([
    [
      'a FIFO',
      (folder) => spawnSync('mkfifo', [join(folder, 'pipe')]),
      'pipe: is a FIFO, a socket or a device',
    ],
    ['a link out', (folder) => symlinkSync('/etc', join(folder, 'out')), 'out: is a link that may lead out'],
    ['a device', (folder) => spawnSync('mknod', [join(folder, 'null'), 'c', '1', '3']), 'null: is a FIFO'],
    [
      'a name of its own',
      (folder) => mkdirSync(join(folder, '.joblet-upload')),
      'that the helper uses itself',
    ],
    [
      'a name twice',
      (folder) => writeFileSync(join(folder, 'same'), ''),
      'and another would both be /work/same',
    ],
  ])('does not take %s', async (what, make, reason) => {
    const folder = folderWith(what, { f: 'x' });
    make(folder);
    const same = join(folderWith('other', { same: '' }), 'same');
    await expect(localFilesOf([folder, same])).rejects.toThrow(reason);
  });

  it('makes no job when a file can not be brought', async () => {
    const before = (await joblet.json('job', 'list')).length;
    const { stderr, exitCode } = await joblet.run('job', 'run', '--upload', '/dev/null', 'true');
    expect(stderr).toContain('/dev/null: is a FIFO, a socket or a device. Leave it out.');
    expect(exitCode).toBe(125);
    expect((await joblet.json('job', 'list')).length).toBe(before);
  });

  it('tells what is too much for the disk of the job, and leaves it waiting', async () => {
    const big = folderWith('big', { big: Buffer.alloc(6 * MEBIBYTE, 1) });
    const { stderr, exitCode } = await joblet.run('job', 'run', '--max-disk', '4', '--upload', big, 'true');
    expect(stderr).toContain('bytes are to come, and there is room for');
    expect(exitCode).toBe(125);
    const uuid = /job upload (\S+);/.exec(stderr)?.[1] ?? '';
    const { status, waitingFor } = await joblet.json('job', 'status', uuid);
    expect({ status, waitingFor }).toEqual({ status: 'SCHEDULED', waitingFor: 'its files' });
    await joblet.run('job', 'cancel', uuid);
    await joblet.run('job', 'delete', uuid);
    expect(existsSync(jobFolder(uuid))).toBe(false);
  });
});

describe('an upload that is cut off', () => {
  it('goes on where it ended, after the end of the command and of the helper', async () => {
    const content = Buffer.alloc(200 * MEBIBYTE, 'not a hole');
    const folder = folderWith('long', { 'a/whole': 'x', 'b/big': content });
    const first = joblet.start('job', 'run', '--upload', folder, '--wait', 'sha256sum', 'b/big');
    const ended = outcomeOf(first);
    const uuid = await someWaiting();
    const drafts = join(jobFolder(uuid), 'work/.joblet-upload');
    await expect.poll(() => sizeIn(drafts), { interval: 5, timeout: PATIENCE_MS }).toBeGreaterThan(MEBIBYTE);
    first.kill('SIGINT');
    const { exitCode, stderr } = await ended;
    expect(exitCode).toBe(130);
    expect(stderr).toContain(
      `Go on where it ended: joblet job upload ${uuid}; give it up: joblet job cancel`,
    );
    const before = sizeIn(drafts);
    expect(before).toBeLessThan(content.length);
    const whole = lstatSync(join(jobFolder(uuid), 'work/a/whole')).ino;

    const second = outcomeOf(joblet.start('job', 'upload', uuid));
    await expect.poll(() => sizeIn(drafts), { interval: 5, timeout: PATIENCE_MS }).toBeGreaterThan(before);
    await joblet.helper.kill();
    expect(existsSync(drafts)).toBe(true);
    await joblet.helper.startAgain();
    const outcome = await second;
    expect(outcome).toMatchObject({
      exitCode: 0,
      stderr: '',
      stdout: expect.stringContaining('Files: 2 uploaded'),
    });
    expect(lstatSync(join(jobFolder(uuid), 'work/a/whole')).ino).toBe(whole);
    expect((await joblet.run('job', 'wait', uuid)).exitCode).toBe(0);
    expect(readFileSync(join(jobFolder(uuid), 'work/b/big')).equals(content)).toBe(true);
    expect(existsSync(drafts)).toBe(false);
  }, 60_000);

  it('ends with its job', async () => {
    const folder = folderWith('stopped', { big: Buffer.alloc(200 * MEBIBYTE, 'x') });
    const running = outcomeOf(joblet.start('job', 'run', '--upload', folder, 'true'));
    const uuid = await someWaiting();
    await joblet.run('job', 'stop', uuid);
    expect(await running).toMatchObject({ exitCode: 125, stderr: expect.stringContaining('it was ended') });
    await joblet.run('job', 'delete-all');
    expect(existsSync(jobFolder(uuid))).toBe(false);
  }, 60_000);
});

/** The job that a command has just handed over. */
async function someWaiting(): Promise<string> {
  const client = await joblet.helper.connect();
  try {
    const list = () => client.jobs.listJobs({ status: [JobStatus.SCHEDULED] });
    await expect.poll(async () => (await list()).jobs.length, { interval: 5, timeout: PATIENCE_MS }).toBe(1);
    return (await list()).jobs[0]?.uuid ?? '';
  } finally {
    client.close();
  }
}

function sizeIn(folder: string): number {
  try {
    return readdirSync(folder).reduce((sum, name) => sum + lstatSync(join(folder, name)).size, 0);
  } catch {
    return 0;
  }
}

type Sent = NonNullable<MessageInitShape<typeof UploadFilesRequestSchema>['message']>;
type File = Partial<{
  path: string;
  type: FileType;
  mode: number;
  size: bigint;
  target: string;
  offset: bigint;
}>;

function entry({ path = 'f', offset = 0n, target = '', ...rest }: File): Sent {
  const file = { path: Buffer.from(path), type: FileType.REGULAR, mode: 0o644, ...rest };
  return { case: 'entry', value: { file: { ...file, target: Buffer.from(target) }, offset } };
}
const folder = (path: string) => entry({ path, type: FileType.FOLDER });
const link = (path: string, target: string) => entry({ path, type: FileType.LINK, target });
const data = (text: string): Sent => ({ case: 'data', value: Buffer.from(text) });
const complete: Sent = { case: 'complete', value: {} };

async function* sent(id: string, messages: readonly Sent[]): AsyncGenerator<UploadFilesRequest> {
  for (const message of [{ case: 'start', value: { id } } as const, ...messages]) {
    yield create(UploadFilesRequestSchema, { message });
  }
}

describe('the file service', () => {
  let client: Client;
  let uuid: string;
  const send = (messages: readonly Sent[], id = uuid) => client.files.uploadFiles(sent(id, messages));
  beforeAll(async () => {
    client = await joblet.helper.connect();
    uuid = (await waiting(client)).uuid;
  });
  afterAll(async () => {
    await client.jobs.cancelJob({ id: uuid });
    client.close();
  });

  it.each<[what: string, messages: readonly Sent[], reason: RegExp]>([
    ['a name that leads up', [entry({ path: '../log' })], /is not a path below \/work/],
    ['a name that leads up in the middle', [entry({ path: 'a/../../log' })], /is not a path below \/work/],
    ['an absolute name', [entry({ path: '/etc/passwd' })], /is not a path below \/work/],
    ['a name with NUL', [entry({ path: 'a\0b' })], /is not a path below \/work/],
    ['no name', [entry({ path: '' })], /names no file/],
    ['a name that is too long', [entry({ path: 'n'.repeat(256) })], /too long/],
    ['a path that is too long', [entry({ path: 'n/'.repeat(40_000).concat('n') })], /is not a path below/],
    ['too many folders', [entry({ path: `${'d/'.repeat(64)}f` })], /lies in more than 63 folders/],
    ['a folder that is not there', [entry({ path: 'none/f' })], /a folder on its way is not there/],
    ['a folder of the helper', [entry({ path: '.joblet-upload/f' })], /is a name of the helper/],
    ['a file below a file', [entry({}), entry({ path: 'f/g' })], /what is no folder/],
    ['a folder over a file', [entry({}), folder('f')], /what is no folder/],
    ['a file over a folder', [folder('d'), entry({ path: 'd' })], /a folder of this name is there/],
    ['a link out', [link('l', '/etc/shadow')], /is a link that may lead out/],
    ['a link up', [link('l', '../log')], /is a link that may lead out/],
    ['a way through a link', [folder('d'), link('l', 'd'), entry({ path: 'l/f' })], /what is no folder/],
    ['a target of a file', [entry({ target: 'x' })], /does not go with its type/],
    ['a device', [entry({ type: FileType.OTHER })], /is neither a regular file nor/],
    ['a size of a folder', [entry({ path: 'd', type: FileType.FOLDER, size: 1n })], /is no regular file/],
    ['a size that is none', [entry({ size: 2n ** 64n - 1n })], /has a size or a time that is none/],
    ['a mode that is none', [entry({ mode: 0o100_755 })], /has a mode that is none/],
    [
      'an offset beyond what is there',
      [entry({ size: 9n, offset: 5n })],
      /has 0 bytes here, and is to go on at 5/,
    ],
    ['an offset beyond the size', [entry({ size: 4n, offset: 5n })], /has 4 bytes, and is to go on at 5/],
    ['more than its size', [entry({ size: 2n }), data('xyz')], /has 2 bytes, and more have come/],
    ['more when it is whole', [entry({ size: 2n }), data('xy'), data('z')], /come without a file/],
    ['less than its size', [entry({ size: 2n }), data('x'), complete], /has 2 bytes, of which 1 have come/],
    ['the next too early', [entry({ size: 2n }), entry({})], /has 2 bytes, of which 0 have come/],
    ['data of nothing', [data('x')], /come without a file/],
    [
      'too much at once',
      [entry({ size: 2n ** 21n }), data('x'.repeat(MEBIBYTE + 1))],
      /bytes, 1048576 are allowed/,
    ],
    ['a second start', [{ case: 'start', value: { id: '0000' } }], /start: can not stand here/],
    ['nothing at all', [{ case: undefined }], /a message: can not stand here/],
  ])('refuses %s', async (_what, messages, reason) => {
    await expect(send(messages)).rejects.toThrow(reason);
    expect(existsSync(join(jobFolder(uuid), 'log'))).toBe(false);
  });

  it('writes no more than the job may hold, whatever was announced', async () => {
    const spec = { command: 'true', uploads: ['x'], workBytes: 2n ** 22n };
    const { uuid: small } = await client.jobs.runJob({ spec });
    const parts = Array.from({ length: 8 }, () => data('x'.repeat(MEBIBYTE)));
    await expect(send([entry({ size: 2n ** 23n }), ...parts, complete], small)).rejects.toThrow(
      'it is full (ENOSPC). Free space on the disk and upload again',
    );
    expect((await client.jobs.getJob({ id: small })).waitingFor).toBe('its files');
    await client.jobs.stopJob({ id: small });
    await client.jobs.deleteJob({ id: small });
  });

  it('drops set-uid bits, and replaces what came twice', async () => {
    const { job } = await send([
      entry({ size: 1n, mode: 0o6755 }),
      data('1'),
      entry({ size: 1n }),
      data('2'),
    ]);
    expect(job?.waitingFor).toBe('its files');
    await send([entry({ path: 'g', mode: 0o6755 })]);
    expect(readFileSync(join(jobFolder(uuid), 'work/f'), 'utf8')).toBe('2');
    expect(lstatSync(join(jobFolder(uuid), 'work/g'))).toMatchObject({ mode: 0o100_755, uid: 65_534 });
  });

  it('takes one upload at one time, of a job that waits for one', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    async function* slow(): AsyncGenerator<UploadFilesRequest> {
      yield* sent(uuid, [entry({ size: 4n }), data('x')]);
      await promise;
    }
    const first = client.files.uploadFiles(slow());
    await expect
      .poll(async () => (await client.jobs.getJob({ id: uuid })).waitingFor, { timeout: PATIENCE_MS })
      .toContain('its files: 0 of 0');
    await expect(send([])).rejects.toThrow('gets its files from another upload already');
    resolve();
    await first;
    const { uuid: plain } = await client.jobs.runJob({ spec: { command: 'sleep', args: ['60'] } });
    await expect(send([], plain)).rejects.toThrow('was handed over without uploads');
    await client.jobs.stopJob({ id: plain, graceMs: 0n });
    await expect(send([], plain)).rejects.toThrow('has ended (STOPPED)');
    const { uuid: other } = await waiting(client);
    expect((await send([complete], other)).job?.status).not.toBe(JobStatus.SCHEDULED);
    await expect(send([complete], other)).rejects.toThrow(/has its files|has ended/);
  });
});

function waiting(client: Client): Promise<Job> {
  return client.jobs.runJob({ spec: { command: 'true', uploads: ['x'] } });
}

const NEVER = new AbortController().signal;

/** @returns what it had said by then */
async function killedAtStep(root: string, step: number): Promise<string> {
  const service = spawn(process.execPath, ['--import', KILL_AT_STEP, PROCESS, root], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, KILL_AT_STEP: String(step) },
  });
  const ended = once(service, 'exit');
  const told = await text(service.stdout);
  const [code, signal] = await ended;
  expect(signal ?? code).toBe(told === 'made\nbrought\n' ? 0 : 'SIGKILL');
  return told;
}

describe('a job that waits for its files', () => {
  it('is of who handed it over', async () => {
    await using service = await temporaryService();
    const { uuid } = await service.jobs.run(shell('true', { uploads: ['x'] }), 0);
    const signal = new AbortController().signal;
    await expect(service.jobs.upload(sent(uuid, [complete]), 1000, signal)).rejects.toThrow(
      'is the job of another user',
    );
  });

  it('waits no longer than it may, and not when the helper is another', async () => {
    const root = temporaryRoot();
    const first = await openJobService(root, { jobs: { upload_wait_ms: 1500 } });
    const { uuid } = await first.run(shell('true', { uploads: ['x'] }), 0);
    await closeJobService(first);
    const second = await openJobService(root, { jobs: { upload_wait_ms: 1500 } });
    expect(second.get(uuid).waitingFor).toBe('its files');
    const { status, failure, exitCode } = await untilEnded(second, uuid);
    expect(failure?.cause).toContain('its files were not uploaded completely within');
    expect({ status, exitCode }).toEqual({ status: JobStatus.FAILED, exitCode: 125 });
    await second.delete(uuid);
    await closeJobService(second);
    rmSync(root, { recursive: true });
  });

  it('is there whole, or not at all, wherever its helper is killed', async () => {
    let told = '';
    for (let step = 1; told !== 'made\nbrought\n'; step += 1) {
      const root = temporaryRoot();
      told = await killedAtStep(root, step);
      const jobs = await openJobService(root);
      const list = jobs.list(create(ListJobsRequestSchema, {})).jobs;
      expect(list.length).toBeGreaterThanOrEqual(told === '' ? 0 : 1);
      for (const { uuid, dueUs } of list) {
        if (dueUs === 0n) {
          await jobs.upload(sent(uuid, [entry({ size: 3n }), data('hi\n'), complete]), 0, NEVER);
        }
        expect(readdirSync(join(pathsUnder(root).jobsDirectory, uuid, 'work'))).toEqual(['f']);
        await jobs.cancel(uuid);
        await jobs.delete(uuid);
      }
      // What belongs to no job is swept away in the background.
      await expect
        .poll(() => readdirSync(pathsUnder(root).jobsDirectory), { timeout: PATIENCE_MS })
        .toEqual([]);
      await closeJobService(jobs);
      rmSync(root, { recursive: true });
    }
  }, 60_000);

  it('keeps them between attempts, and starts at its time', async () => {
    await using service = await temporaryService();
    const soon = BigInt(Date.now() + 1500) * 1000n;
    const spec = shell('cat f; echo more >>f; [ $(wc -l <f) = 3 ]', {
      uploads: ['x'],
      startAtUs: soon,
      workBytes: 8_388_608n,
      retry: { attempts: 3 },
      secretEnvironment: { PIN: '1' },
    });
    const { uuid } = await service.jobs.run(spec, 0);
    const messages = [entry({ size: 6n }), data('first\n'), complete];
    const job = await service.jobs.upload(sent(uuid, messages), 0, new AbortController().signal);
    expect(job).toMatchObject({ status: JobStatus.SCHEDULED, dueUs: soon });
    const ended = await untilEnded(service.jobs, uuid);
    expect(ended).toMatchObject({ status: JobStatus.COMPLETED, attempts: [{ exitCode: 1 }] });
    expect(ended.startedUs).toBeGreaterThan(soon);
    await service.jobs.delete(uuid);
    expect(readdirSync(service.paths.jobsDirectory)).toEqual([]);
  });
});
