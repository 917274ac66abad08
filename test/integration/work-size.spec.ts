/** A /work that holds so much and no more. */
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { JobStatus } from '../../native-helper/api/gen/joblet_pb.js';
import { jobDirectoryOf } from '../../native-helper/api/paths.ts';
import { readMounts } from '../../native-helper/kernel/mountinfo.ts';
import { logOf, runToEnd, shell, temporaryService, untilState } from '../fixtures/job-service.ts';

const MEBIBYTE = 2 ** 20;

describe('/work with a size', () => {
  it('takes no more than that, whoever writes, and goes with its job', async () => {
    await using service = await temporaryService();
    const line =
      'pwd; touch here; dd if=/dev/zero of=big bs=1M count=64 2>&1 | grep -c "No space"; stat -fc %T .';
    const job = await runToEnd(service.jobs, shell(line, { workBytes: BigInt(16 * MEBIBYTE) }));
    expect((await logOf(service.jobs, job.uuid)).toString().split('\n')).toEqual([
      '/work',
      '1',
      'ext2/ext3',
      '',
    ]);
    const folder = jobDirectoryOf(service.paths, job.uuid);
    await service.jobs.delete(job.uuid);
    expect(existsSync(folder)).toBe(false);
    expect(readMounts().some(({ mountPoint }) => mountPoint.startsWith(folder))).toBe(false);
  });

  it('is the same for the next attempt', async () => {
    await using service = await temporaryService();
    const spec = shell('test -e before && exit; touch before; exit 1', {
      workBytes: BigInt(16 * MEBIBYTE),
      retry: { attempts: 1, delayMs: 0n, backoff: 0 },
    });
    const job = await runToEnd(service.jobs, spec);
    expect(job.status).toBe(JobStatus.COMPLETED);
    await service.jobs.delete(job.uuid);
  });

  it('of all jobs together is no more than the configuration says', async () => {
    await using service = await temporaryService({
      jobs: {
        work_bytes: 16 * MEBIBYTE,
        all_work_bytes: 40 * MEBIBYTE,
      },
    });
    const { jobs } = service;
    const first = await jobs.run(shell('dd if=/dev/urandom of=kept bs=1M count=8; sleep 60'), 0);
    await untilState(jobs, first.uuid, ({ status }) => status === JobStatus.RUNNING);
    const second = await runToEnd(jobs, shell('dd if=/dev/urandom of=kept bs=1M count=8 conv=fsync', {}));
    await expect(jobs.run(shell('true', { workBytes: BigInt(17 * MEBIBYTE) }), 0)).rejects.toThrow(
      'Delete jobs that have ended',
    );
    await jobs.delete(second.uuid);
    const third = await runToEnd(jobs, shell('true', { workBytes: BigInt(17 * MEBIBYTE) }));
    expect(third.status).toBe(JobStatus.COMPLETED);
    await jobs.stop(first.uuid, 0n);
    await jobs.deleteAll();
  });

  it('holds for jobs that are handed over at once, too', async () => {
    await using service = await temporaryService({
      jobs: {
        work_bytes: 16 * MEBIBYTE,
        all_work_bytes: 40 * MEBIBYTE,
      },
    });
    const { jobs } = service;
    const outcomes = await Promise.allSettled(
      Array.from({ length: 6 }, () => jobs.run(shell('true', { uploads: ['file'] }), 0)),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(2);
    for (const outcome of outcomes) {
      if (outcome.status === 'fulfilled') {
        await jobs.cancel(outcome.value.uuid);
      }
    }
    await jobs.deleteAll();
  });
});
