/** What a job has left in /work, hostile or not, on its way to its user. */
import { createHash } from 'node:crypto';
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FileType } from '../../native-helper/api/gen/joblet_pb.js';
import { temporaryRoot } from '../fixtures/root.ts';
import { CommandLine, outcomeOf } from './cli-harness.ts';

const joblet = CommandLine.forFile();
const MEBIBYTE = 1_048_576;
const PATIENCE_MS = 10_000;

let target: string;
beforeAll(() => {
  target = temporaryRoot();
});
afterAll(() => rmSync(target, { recursive: true }));

async function left(line: string): Promise<string> {
  const uuid = await joblet.submit('sh', '-c', line);
  expect((await joblet.run('job', 'wait', uuid)).exitCode).toBe(0);
  return uuid;
}

describe('job download', () => {
  it('brings a tree as it is, and tells what it leaves out', async () => {
    const uuid = await left(
      'mkdir -p a/b; echo hi >a/b/f; chmod 750 a/b/f; mkfifo a/pipe; ln -s b/f a/in; ln -s /etc out; ln -s a/.. round; truncate -s 8M holes',
    );
    const to = join(target, 'tree');
    const { stdout, exitCode } = await joblet.run('--json', 'job', 'download', uuid, '--to', to);
    const { left_out, ...rest } = JSON.parse(stdout);
    expect(rest).toEqual({
      job_uuid: uuid,
      folder: to,
      files: 2,
      already_there: 0,
      bytes: 8 * MEBIBYTE + 3,
    });
    expect(left_out.map(({ path }: { path: string }) => path).sort()).toEqual(['a/pipe', 'out', 'round']);
    expect(exitCode).toBe(1);
    expect(readdirSync(to, { recursive: true }).sort()).toEqual(['a', 'a/b', 'a/b/f', 'a/in', 'holes']);
    expect(readFileSync(join(to, 'a/in'), 'utf8')).toBe('hi\n');
    expect(lstatSync(join(to, 'a/b/f')).mode & 0o7777).toBe(0o750 & ~process.umask());
    expect(readlinkSync(join(to, 'a/in'))).toBe('b/f');
    expect(lstatSync(join(to, 'holes'))).toMatchObject({ size: 8 * MEBIBYTE, blocks: 0 });
    expect(await joblet.json('job', 'download', uuid, '--to', to)).toMatchObject({
      files: 0,
      already_there: 2,
    });
  });

  it('brings what a running job has written so far, of a path alone', async () => {
    const uuid = await joblet.submit('sh', '-c', 'mkdir d; echo 1 >d/f; echo 2 >g; echo ready; sleep 60');
    await expect
      .poll(async () => (await joblet.run('job', 'log', uuid)).stdout, { timeout: PATIENCE_MS })
      .toBe('ready\n');
    const to = join(target, 'running');
    await joblet.run('job', 'download', uuid, 'd/f', '--to', to);
    expect(readdirSync(to, { recursive: true }).sort()).toEqual(['d', 'd/f']);
    await joblet.run('job', 'stop', '--grace', '0s', uuid);
  });

  it('brings no file that is of before and after a change, and those beside it', async () => {
    const uuid = await joblet.submit(
      'sh',
      '-c',
      'head -c 16M /dev/zero >torn; echo all >whole; echo ready; while :; do touch -r whole now; dd if=/dev/urandom of=torn bs=1M count=16 conv=notrunc 2>&-; touch -r now torn; done',
    );
    await expect
      .poll(async () => (await joblet.run('job', 'log', uuid)).stdout, { timeout: PATIENCE_MS })
      .toBe('ready\n');
    const to = join(target, 'torn');
    const torn = await joblet.run('--json', 'job', 'download', uuid, '--to', to);
    expect(JSON.parse(torn.stdout).left_out).toContainEqual({
      path: 'torn',
      reason: expect.stringContaining('pause the job'),
    });
    expect(readdirSync(to)).toContain('whole');
    expect(readdirSync(to)).not.toContain('torn');
    await joblet.run('job', 'pause', uuid);
    await joblet.run('job', 'download', uuid, 'torn', '--to', to);
    expect(readdirSync(to).filter((name) => name !== 'now')).toEqual(['torn', 'whole']);
    await joblet.run('job', 'stop', '--grace', '0s', uuid);
  });

  it('replaces nothing unasked, and writes through no link', async () => {
    const uuid = await left('mkdir d; echo new >f; echo new >d/f');
    const to = join(target, 'taken');
    mkdirSync(to);
    writeFileSync(join(to, 'f'), 'mine');
    const download = (path: string, ...flags: string[]) =>
      joblet.run('job', 'download', uuid, path, '--to', to, ...flags);
    expect((await download('f')).stderr).toContain('something else is there already');
    expect(readFileSync(join(to, 'f'), 'utf8')).toBe('mine');
    expect((await download('f', '--overwrite')).exitCode).toBe(0);
    expect(readFileSync(join(to, 'f'), 'utf8')).toBe('new\n');
    mkdirSync(join(target, 'elsewhere'));
    symlinkSync('../elsewhere', join(to, 'd'));
    expect((await download('d/f', '--overwrite')).stderr).toContain('ENOTDIR');
    expect(readdirSync(join(target, 'elsewhere'))).toEqual([]);
  });

  it('goes on where it was cut off', async () => {
    const uuid = await left('head -c 64M /dev/urandom >big');
    const to = join(target, 'resumed');
    const first = joblet.start('job', 'download', uuid, '--to', to);
    const ended = new Promise((resolve) => first.once('close', resolve));
    await expect
      .poll(() => sizes(to)[0] ?? 0, { interval: 20, timeout: PATIENCE_MS })
      .toBeGreaterThan(MEBIBYTE);
    first.kill('SIGKILL');
    await ended;
    const [before = 0] = sizes(to);
    expect(readdirSync(to)).not.toContain('big');
    const { bytes } = await joblet.json('job', 'download', uuid, '--to', to);
    expect(bytes).toBe(64 * MEBIBYTE - before);
    expect(readdirSync(to)).toEqual(['big']);
    const original = readFileSync(join(joblet.root, 'var/lib/joblet/jobs', uuid, 'work/big'));
    expect(original.equals(readFileSync(join(to, 'big')))).toBe(true);
  }, 60_000);

  it('goes on with the next helper where the one before was killed', async () => {
    const uuid = await left('head -c 96M /dev/urandom >big; echo small >small; sha256sum big >sum');
    const to = join(target, 'interrupted');
    const downloading = outcomeOf(joblet.start('job', 'download', uuid, '--to', to));
    await expect
      .poll(() => Math.max(0, ...sizes(to)), { interval: 10, timeout: PATIENCE_MS })
      .toBeGreaterThan(MEBIBYTE);
    await joblet.helper.kill();
    expect(readdirSync(to)).not.toContain('big');
    await joblet.helper.startAgain();
    const { exitCode, stdout } = await downloading;
    expect(stdout).toContain(`${96 * MEBIBYTE + 6 + 70} bytes`);
    expect(exitCode).toBe(0);
    const sum = createHash('sha256')
      .update(readFileSync(join(to, 'big')))
      .digest('hex');
    expect(readFileSync(join(to, 'sum'), 'utf8')).toBe(`${sum}  big\n`);
  }, 60_000);
});

function sizes(folder: string): number[] {
  try {
    return readdirSync(folder).map((name) => lstatSync(join(folder, name)).size);
  } catch {
    return [];
  }
}

describe('the file service', () => {
  it('opens nothing but regular files below /work', async () => {
    const id = await left('mkfifo pipe; ln -s /etc/shadow link; ln -s /etc folder; mkdir d; echo x >f');
    const client = await joblet.helper.connect();
    const read = (path: string, offset = 0n) =>
      collect(client.files.readFile({ id, path: Buffer.from(path), offset }));
    for (const path of ['../log', '/etc/shadow', 'd/../../log', 'f\0', 'f/']) {
      await expect(read(path)).rejects.toThrow('is not a path below /work');
    }
    for (const path of ['pipe', 'link', 'd', '']) {
      await expect(read(path)).rejects.toThrow(/is not a regular file|is a folder/);
    }
    await expect(read('folder/shadow')).rejects.toThrow('is not there, or is a link');
    await expect(read('f/x')).rejects.toThrow('is not there, or is a link');
    await expect(read('g')).rejects.toThrow('there is no such file');
    await expect(read('f', 2n ** 64n - 1n)).rejects.toThrow('has 2 bytes');
    expect((await read('f', 2n)).length).toBe(1);
    client.close();
  });

  it('tells names that are no UTF-8, and no more levels than it can hold open', async () => {
    const id = await left(
      "touch $(printf '\\377'); i=0; while [ $i -lt 200 ]; do mkdir d && cd d; i=$((i+1)); done",
    );
    const client = await joblet.helper.connect();
    const entries = await collect(client.files.listFiles({ id }));
    expect(entries.some(({ path }) => Buffer.from(path).equals(Buffer.from([0xff])))).toBe(true);
    const deep = entries.filter(({ leftOut }) => leftOut);
    expect(deep).toMatchObject([{ type: FileType.FOLDER }]);
    const [{ path = Buffer.alloc(0) } = {}] = deep;
    const below = await collect(client.files.listFiles({ id, path }));
    expect(below.length).toBeGreaterThan(60);
    client.close();
  });
});

async function collect<T>(messages: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const message of messages) {
    all.push(message);
  }
  return all;
}
