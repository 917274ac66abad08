/** A log as a file: on a full disk, on a read-only one, from a helper that goes away, given up half way. */
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Link } from '../../src-main/app/link.ts';
import { logBytes } from '../../src-main/app/log/log-bytes.ts';
import { fileNameOf, saveLog } from '../../src-main/app/log/save-log.ts';
import { MemoryDisk } from '../fixtures/memory-disk.ts';
import { RunningHelper } from '../fixtures/running-helper.ts';

const MEGABYTE = 1024 * 1024;
const NEVER = new AbortController().signal;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'joblet-logs-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const linkTo = (root: string) =>
  new Link({ root, buildId: '', installCommand: async () => '', startHelper: async () => {} });

async function* text(...parts: string[]): AsyncGenerator<Uint8Array> {
  yield* parts.map((part) => Buffer.from(part));
}

describe('saveLog', () => {
  it('writes all of it, and leaves nothing beside it', async () => {
    const path = join(folder, 'a.log');
    await saveLog(path, text('one\n', '', 'two\n'), NEVER);
    expect(readFileSync(path, 'utf8')).toBe('one\ntwo\n');
    expect(readdirSync(folder)).toEqual(['a.log']);
  });

  it('takes a gigabyte as it comes, and holds next to nothing of it', { timeout: 120_000 }, async () => {
    const chunk = Buffer.alloc(MEGABYTE, 'x');
    const before = process.memoryUsage().rss;
    let most = 0;
    async function* gigabyte() {
      for (let sent = 0; sent < 1024; sent += 1) {
        yield Uint8Array.from(chunk);
        most = Math.max(most, process.memoryUsage().rss);
      }
    }
    const path = join(folder, 'large.log');
    await saveLog(path, gigabyte(), NEVER);
    expect(statSync(path).size).toBe(1024 * MEGABYTE);
    expect(most - before).toBeLessThan(200 * MEGABYTE);
  });

  it('replaces what was there, as private as that was, through a link too', async () => {
    const path = join(folder, 'a.log');
    writeFileSync(path, 'old');
    chmodSync(path, 0o600);
    symlinkSync(path, join(folder, 'link'));
    await saveLog(join(folder, 'link'), text('new'), NEVER);
    expect(readFileSync(path, 'utf8')).toBe('new');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder).sort()).toEqual(['a.log', 'link']);
  });

  it('takes the longest name that there can be', async () => {
    const path = join(folder, '日'.repeat(85));
    await saveLog(path, text('x'), NEVER);
    expect(readFileSync(path, 'utf8')).toBe('x');
  });

  it.each([
    ['a folder', () => mkdirSync(join(folder, 'a')), 'a', 'is not a regular file'],
    ['below nothing', () => {}, 'nowhere/a', 'ENOENT'],
    ['below a file', () => writeFileSync(join(folder, 'a'), ''), 'a/b', 'ENOTDIR'],
    ['through a link to itself', () => symlinkSync('a', join(folder, 'a')), 'a', 'ELOOP'],
    ['with a name too long', () => {}, 'x'.repeat(300), 'ENAMETOOLONG'],
  ])('refuses a path that is %s', async (_what, make, name, reason) => {
    make();
    const before = readdirSync(folder);
    await expect(saveLog(join(folder, name), text('x'), NEVER)).rejects.toMatchObject({
      name: 'JobletError',
      details: { operation: 'save log', object: join(folder, name), reason: expect.stringContaining(reason) },
    });
    expect(readdirSync(folder)).toEqual(before);
  });

  it('leaves nothing on a disk that it has filled, and what was there', async () => {
    using disk = new MemoryDisk(MEGABYTE);
    const path = join(disk.path, 'a.log');
    writeFileSync(path, 'old');
    async function* endless() {
      for (;;) {
        yield Buffer.alloc(65_536, 'x');
      }
    }
    await expect(saveLog(path, endless(), NEVER)).rejects.toMatchObject({
      kind: 'unavailable',
      details: { reason: 'ENOSPC', mend: expect.stringContaining('a disk with room') },
    });
    expect(readdirSync(disk.path)).toEqual(['a.log']);
    expect(readFileSync(path, 'utf8')).toBe('old');
    disk.makeReadOnly();
    await expect(saveLog(path, text('x'), NEVER)).rejects.toMatchObject({ details: { reason: 'EROFS' } });
  });

  it('leaves nothing when it is given up half way, and stops the source', async () => {
    const abort = new AbortController();
    const path = join(folder, 'a.log');
    let hasStopped = false;
    async function* source() {
      try {
        for (let sent = 0; ; sent += 1) {
          if (sent === 50) {
            abort.abort(new Error('not any more'));
          }
          yield Buffer.alloc(65_536, 'x');
        }
      } finally {
        hasStopped = true;
      }
    }
    await expect(saveLog(path, source(), abort.signal)).rejects.toThrow('not any more');
    expect(readdirSync(folder)).toEqual([]);
    expect(hasStopped).toBe(true);
  });

  it('begins nothing when it was given up before', async () => {
    const path = join(folder, 'a.log');
    await expect(saveLog(path, text('x'), AbortSignal.abort(new Error('not any more')))).rejects.toThrow(
      'not any more',
    );
    await delay(100);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('leaves nothing when its source fails, and says why', async () => {
    async function* source() {
      yield Buffer.from('x');
      throw new Error('the log is gone');
    }
    await expect(saveLog(join(folder, 'a.log'), source(), NEVER)).rejects.toMatchObject({
      details: { reason: 'the log is gone' },
    });
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('the log of a job', () => {
  it('is saved whole, byte for byte, across a helper that was killed half way', async () => {
    await using helper = await RunningHelper.start();
    using link = linkTo(helper.root);
    const client = await link.connected(AbortSignal.timeout(20_000));
    const { uuid } = await client.jobs.runJob({
      spec: { command: 'sh', args: ['-c', 'seq 1000000; echo err >&2'] },
    });
    for await (const { job } of client.watch([uuid], AbortSignal.timeout(30_000))) {
      if ((job?.endedUs ?? 0n) > 0n) {
        break;
      }
    }
    let killed: Promise<void> | undefined;
    async function* interrupted() {
      for await (const chunk of logBytes(link, uuid, 'stdout', NEVER)) {
        yield chunk;
        killed ??= helper.kill().then(() => helper.startAgain());
      }
    }
    const path = join(folder, 'a.log');
    await saveLog(path, interrupted(), NEVER);
    await killed;
    const whole = Array.from({ length: 1_000_000 }, (_, index) => `${index + 1}\n`).join('');
    expect(readFileSync(path, 'utf8') === whole).toBe(true);
  });

  it('that finds no room on the disk, time and again, leaves the helper to others', async () => {
    await using helper = await RunningHelper.start();
    using link = linkTo(helper.root);
    const client = await link.connected(AbortSignal.timeout(20_000));
    const { uuid } = await client.jobs.runJob({
      spec: { command: 'head', args: ['-c', '30000000', '/dev/zero'] },
    });
    for await (const { job } of client.watch([uuid], AbortSignal.timeout(30_000))) {
      if ((job?.endedUs ?? 0n) > 0n) {
        break;
      }
    }
    // Each is full soon: it is how often that counts.
    using disk = new MemoryDisk(MEGABYTE / 16);
    // More than the streams that a connection may have at one time.
    for (let round = 0; round < 300; round += 1) {
      const saved = saveLog(join(disk.path, 'a.log'), logBytes(link, uuid, 'both', NEVER), NEVER);
      await expect(saved).rejects.toMatchObject({ details: { reason: 'ENOSPC' } });
    }
    expect((await client.helper.getStatus({})).pid).toBe(helper.pid);
  }, 180_000);
});

describe('fileNameOf', () => {
  it.each([
    ['../../etc/passwd', 'etc-passwd-01234567.log'],
    ['', 'job-01234567.log'],
    ['日本', 'job-01234567.log'],
    ['-rf $(x)\n', 'rf-x-01234567.log'],
    ['a'.repeat(300), `${'a'.repeat(64)}-01234567.log`],
  ])('makes of %j a name that no shell minds', (name, file) => {
    expect(fileNameOf(name, '01234567-89ab-4def-8000-000000000000')).toBe(file);
  });
});
