/** What the configuration says of logs, on the logs of real jobs. */
import { existsSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { GetLogsRequestSchema, JobStatus, type LogChunk } from '../../native-helper/api/gen/joblet_pb.js';
import { jobDirectoryOf, pathsUnder } from '../../native-helper/api/paths.ts';
import {
  closeJobService,
  logOf,
  openJobService,
  runToEnd,
  type Service,
  shell,
  temporaryService,
  untilState,
} from '../fixtures/job-service.ts';
import { temporaryRoot } from '../fixtures/root.ts';
import { SmallDisk } from '../fixtures/small-disk.ts';

const MEBIBYTE = 2 ** 20;
/** Lines of 40 bytes and their break. */
const lines = (bytes: number) => `seq -f 'line %.0f of a log that shrinks' 9999999 | head -c ${bytes}`;
const fileOf = ({ paths }: Service, uuid: string, name: string) => join(jobDirectoryOf(paths, uuid), name);
const diskBytes = (path: string) => statSync(path).blocks * 512;

async function chunksOf(service: Service, uuid: string): Promise<LogChunk[]> {
  const chunks: LogChunk[] = [];
  const request = create(GetLogsRequestSchema, { id: uuid });
  for await (const chunk of service.jobs.logs(request, new AbortController().signal)) {
    chunks.push(chunk);
  }
  return chunks;
}

describe('the keeper of logs', () => {
  it('compresses the log of a job that ended long enough ago, and no byte is another', async () => {
    await using service = await temporaryService({ logs: { compress_after_ms: 0 } });
    const { uuid } = await runToEnd(service.jobs, shell(lines(8 * MEBIBYTE)));
    const before = await logOf(service.jobs, uuid);
    await service.jobs.logKeeper.keep();
    expect(diskBytes(fileOf(service, uuid, 'log'))).toBe(0);
    expect(diskBytes(fileOf(service, uuid, 'log.zst'))).toBeLessThan(2 * MEBIBYTE);
    expect((await logOf(service.jobs, uuid)).equals(before)).toBe(true);
    const { logs, printedBytes, diskBytes: taken } = await service.jobs.logKeeper.usage();
    expect({ logs, printedBytes }).toEqual({ logs: 1, printedBytes: 8 * MEBIBYTE });
    expect(taken).toBeLessThan(2 * MEBIBYTE);
  });

  it('leaves a log alone that is not cold, or too small to matter', async () => {
    await using service = await temporaryService({ logs: { compress_after_ms: 3_600_000 } });
    const { uuid } = await runToEnd(service.jobs, shell(lines(8 * MEBIBYTE)));
    await service.jobs.logKeeper.keep();
    expect(existsSync(fileOf(service, uuid, 'log.zst'))).toBe(false);
  });

  it('compresses what a job has printed long ago while it goes on', async () => {
    await using service = await temporaryService();
    const bytes = 100 * MEBIBYTE;
    const { uuid } = await service.jobs.run(
      shell(`${lines(bytes)}; read wait; echo end`, { stdin: true }),
      0,
    );
    await untilState(service.jobs, uuid, ({ status }) => status === JobStatus.RUNNING);
    while (service.jobs.get(uuid).logBytes < bytes) {
      await delay(20);
    }
    await service.jobs.logKeeper.keep();
    expect(diskBytes(fileOf(service, uuid, 'log'))).toBeLessThan(66 * MEBIBYTE);
    await service.jobs.stop(uuid, 0n);
    const log = await logOf(service.jobs, uuid);
    expect(log.length).toBe(bytes);
    expect(log.subarray(0, 36).toString()).toBe('line 1 of a log that shrinks\nline 2 ');
  });

  it('keeps of each log the last bytes, and says how many are no more', async () => {
    await using service = await temporaryService({ logs: { job_bytes: MEBIBYTE } });
    const { uuid } = await runToEnd(service.jobs, shell(lines(3 * MEBIBYTE)));
    await service.jobs.logKeeper.keep();
    const [first, ...rest] = await chunksOf(service, uuid);
    expect(first?.droppedBytes).toBe(BigInt(2 * MEBIBYTE));
    expect(rest.reduce((sum, { data }) => sum + data.length, 0)).toBe(MEBIBYTE);
  });

  it('keeps the logs of so many jobs, the last to end', async () => {
    await using service = await temporaryService({ logs: { keep_jobs: 2 } });
    const uuids: string[] = [];
    for (let job = 0; job < 4; job += 1) {
      uuids.push((await runToEnd(service.jobs, shell(`echo ${job}`))).uuid);
    }
    await service.jobs.logKeeper.keep();
    const logs = await Promise.all(uuids.map(async (uuid) => (await logOf(service.jobs, uuid)).toString()));
    expect(logs).toEqual(['', '', '2\n', '3\n']);
  });

  it('holds all logs within their budget: compressed first, then without the oldest', async () => {
    await using service = await temporaryService({ logs: { total_bytes: 16 * MEBIBYTE } });
    const uuids: string[] = [];
    for (const printed of [lines(12 * MEBIBYTE), lines(12 * MEBIBYTE)]) {
      uuids.push((await runToEnd(service.jobs, shell(printed))).uuid);
    }
    await service.jobs.logKeeper.keep();
    for (const uuid of uuids) {
      expect((await logOf(service.jobs, uuid)).length).toBe(12 * MEBIBYTE);
    }
    for (let job = 0; job < 2; job += 1) {
      const random = shell(`head -c ${9 * MEBIBYTE} /dev/urandom`);
      uuids.push((await runToEnd(service.jobs, random)).uuid);
    }
    service.jobs.logKeeper.look();
    await service.jobs.logKeeper.keep();
    const { diskBytes: left } = await service.jobs.logKeeper.usage();
    expect(left).toBeLessThanOrEqual(16 * MEBIBYTE);
    const logs = await Promise.all(uuids.map((uuid) => chunksOf(service, uuid)));
    const dropped = logs.map(([first]) => Number(first?.droppedBytes) / MEBIBYTE);
    expect(dropped).toEqual([12, 12, 9, 0]);
  });

  it('compresses at once what has ended when the disk is nearly full', async () => {
    using disk = new SmallDisk('ext4');
    const jobs = await openJobService(disk.path);
    try {
      const { uuid } = await runToEnd(jobs, shell(lines(12 * MEBIBYTE)));
      const log = join(jobDirectoryOf(pathsUnder(disk.path), uuid), 'log');
      await jobs.logKeeper.keep();
      expect(diskBytes(log)).toBeGreaterThan(11 * MEBIBYTE);
      const { bavail, bsize } = statfsSync(disk.path);
      writeFileSync(join(disk.path, 'ballast'), Buffer.alloc(bavail * bsize - MEBIBYTE));
      await jobs.logKeeper.keep();
      expect(diskBytes(log)).toBe(0);
      expect((await logOf(jobs, uuid)).length).toBe(12 * MEBIBYTE);
    } finally {
      await closeJobService(jobs);
    }
  });

  it('lets a job be deleted while its log is compressed', async () => {
    await using service = await temporaryService({ logs: { compress_after_ms: 0 } });
    const { uuid } = await runToEnd(service.jobs, shell(lines(64 * MEBIBYTE)));
    const keeping = service.jobs.logKeeper.keep();
    while (!existsSync(fileOf(service, uuid, 'log.frames'))) {
      await delay(5);
    }
    await service.jobs.delete(uuid);
    await keeping;
    expect(existsSync(jobDirectoryOf(service.paths, uuid))).toBe(false);
  });

  it('goes on with what a helper before it has left', async () => {
    const root = temporaryRoot();
    const first = await openJobService(root, { logs: { compress: false } });
    const { uuid } = await runToEnd(first, shell(lines(4 * MEBIBYTE)));
    const before = await logOf(first, uuid);
    await closeJobService(first);
    const next = await openJobService(root, { logs: { compress_after_ms: 0 } });
    try {
      await next.logKeeper.keep();
      expect(diskBytes(join(jobDirectoryOf(pathsUnder(root), uuid), 'log'))).toBe(0);
      expect((await logOf(next, uuid)).equals(before)).toBe(true);
    } finally {
      await closeJobService(next);
      rmSync(root, { recursive: true });
    }
  });
});
