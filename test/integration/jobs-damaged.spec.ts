/** A row of the state that is damaged: its job is shown as damaged, with the reason, and the helper serves all others. */
import { rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { create } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { JobStatus, ListJobsRequestSchema } from '../../native-helper/api/gen/joblet_pb.js';
import { pathsUnder } from '../../native-helper/api/paths.ts';
import type { JobManager } from '../../native-helper/server/jobs/job-manager.ts';
import {
  closeJobService,
  openJobService,
  runToEnd,
  shell,
  untilEnded,
  untilState,
} from '../fixtures/job-service.ts';
import { temporaryRoot } from '../fixtures/root.ts';

const ALL = create(ListJobsRequestSchema);
const IN_AN_HOUR_MS = 3_600_000;

let root: string;
let jobs: JobManager;

beforeAll(async () => {
  root = temporaryRoot();
  jobs = await openJobService(root);
});
afterAll(async () => {
  await closeJobService(jobs);
  rmSync(root, { recursive: true });
});

function inAnHour(): bigint {
  return BigInt((Date.now() + IN_AN_HOUR_MS) * 1000);
}

/** As a failing disk, or a hand, would: while no helper runs. */
async function damage(assignment: string, uuid: string): Promise<void> {
  await closeJobService(jobs);
  const database = new DatabaseSync(pathsUnder(root).database);
  database.exec(`UPDATE job SET ${assignment} WHERE uuid = '${uuid}'`);
  database.close();
  jobs = await openJobService(root);
}

describe('a damaged job', () => {
  it('that has ended is shown with the reason, beside the others, and can be deleted', async () => {
    const { uuid } = await runToEnd(jobs, shell('exit 3', { name: 'odd' }));
    const other = await runToEnd(jobs, shell('true'));
    await damage("spec = x'ffff'", uuid);
    expect(jobs.list(ALL).jobs.map((job) => job.uuid)).toEqual([other.uuid, uuid]);
    expect(jobs.get(uuid)).toMatchObject({
      status: JobStatus.FAILED,
      exitCode: 3,
      spec: { name: 'odd', command: 'sh -c exit 3' },
      failure: { layer: 'state', object: `spec of job ${uuid}`, cause: expect.stringContaining('damaged') },
    });
    await jobs.delete(uuid);
    await jobs.delete(other.uuid);
    expect(jobs.list(ALL).jobs).toEqual([]);
  });

  it('that runs goes on, and can be stopped', async () => {
    const { uuid } = await jobs.run(shell('exec sleep 100'), 0);
    await untilState(jobs, uuid, ({ status }) => status === JobStatus.RUNNING);
    await damage("spec = x'ffff'", uuid);
    expect(jobs.get(uuid)).toMatchObject({ status: JobStatus.RUNNING, failure: { layer: 'state' } });
    expect(await jobs.stop(uuid, 0n)).toMatchObject({ status: JobStatus.STOPPED });
    await jobs.delete(uuid);
  });

  it.each([
    ['its specification', "spec = x''", JobStatus.FAILED],
    ['its time', 'due_us = -5', JobStatus.FAILED],
    ['its state', 'status = 99', JobStatus.LOST],
  ])('that waits for its start is not started without %s', async (_, assignment, status) => {
    const { uuid } = await jobs.run(shell('true', { startAtUs: inAnHour() }), 0);
    await damage(assignment, uuid);
    expect(jobs.get(uuid)).toMatchObject({ status, failure: { layer: 'state' } });
    await jobs.delete(uuid);
  });

  it('without an id gets a new one', async () => {
    const { uuid } = await runToEnd(jobs, shell('true'));
    await damage("uuid = 'x'", uuid);
    const [job] = jobs.list(ALL).jobs;
    expect(job).toMatchObject({ status: JobStatus.LOST, failure: { cause: expect.stringContaining('"x"') } });
    await jobs.delete(job?.uuid ?? '');
  });

  it('with a network keeps the helper from nothing', async () => {
    const spec = shell('exec sleep 100', { network: 'isolated' });
    const { uuid } = await jobs.run(spec, 0);
    await untilState(jobs, uuid, ({ status }) => status === JobStatus.RUNNING);
    await damage("spec = x'ffff'", uuid);
    expect((await untilEnded(jobs, (await jobs.run(shell('true'), 0)).uuid)).status).toBe(
      JobStatus.COMPLETED,
    );
    await jobs.stop(uuid, 0n);
  });
});
