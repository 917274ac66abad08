/** What the executor refuses, and that nothing is done before. */
import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Plan } from '../../native-helper/server/plan/plan.ts';
import { ExecutorJob, type ExecutorJobOptions } from '../fixtures/executor.ts';

async function refusalOf(options: ExecutorJobOptions): Promise<string> {
  await using job = new ExecutorJob(['true'], options);
  expect(await job.ended()).toMatchObject({ status: { ended: 'exit' } });
  expect(readdirSync(job.folder)).toEqual(['work']);
  expect([job.adoptionSockets, job.cgroupExists, job.messages]).toEqual([[], false, []]);
  return job.errors;
}

const setWord =
  (offset: number, value: number) =>
  (plan: Buffer): Buffer => {
    plan.writeUInt32LE(value, offset);
    return plan;
  };

describe('a plan', () => {
  test.each<[string, (plan: Buffer) => Buffer, RegExp]>([
    ['that is empty', () => Buffer.alloc(0), /truncated/],
    ['that lacks its last byte', (plan) => plan.subarray(0, -1), /truncated/],
    ['with a byte too many', (plan) => Buffer.concat([plan, Buffer.alloc(1)]), /oversized/],
    ['that says it is larger than is allowed', setWord(12, 4 * 1024 * 1024 + 1), /oversized/],
    ['that is something else', () => Buffer.from('#!/bin/sh\n'.repeat(100)), /foreign/],
    ['of another version', setWord(8, 1), /another version/],
    ['of another version', setWord(8, 4), /another version/],
    ['of another build', setWord(24, 0), /another build/],
    ['with 100,000 records', setWord(16, 100_000), /number of records/],
    ['with a record fewer than it says', setWord(16, 60_000), /truncated/],
    ['with an unknown record', setWord(64, 99), /unknown record/],
  ])('%s is refused', async (_title, editBytes, words) => {
    expect(await refusalOf({ editBytes })).toMatch(words);
  });

  test('is refused wherever it is cut off', async () => {
    for (let length = 1; length < 2000; length += 37) {
      expect(await refusalOf({ editBytes: (plan) => plan.subarray(0, length) }), `${length} bytes`).toMatch(
        /"layer":"plan".*truncated/,
      );
    }
  });

  test.each<[string, (plan: Plan) => Plan]>([
    ['has no PID namespace', (plan) => ({ ...plan, namespaces: { ...plan.namespaces, pid: false } })],
    [
      'leaves the uid as it is',
      (plan) => ({ ...plan, credentials: { ...plan.credentials, uid: 0xffff_ffff } }),
    ],
    [
      'leads out of the root',
      (plan) => ({
        ...plan,
        mounts: [...plan.mounts, { kind: 'directory', target: '/a/../../b', mode: 0o755 }],
      }),
    ],
    [
      'writes outside of its cgroup',
      (plan) => ({ ...plan, limits: [{ file: '../cgroup.procs', written: '0', readBack: '0' }] }),
    ],
  ])('that %s is refused', async (_title, edit) => {
    expect(await refusalOf({ edit })).toMatch(/"layer":"plan","operation":"parse"/);
  });
});

describe('a plan that can be understood', () => {
  test.each<[string, (plan: Plan) => Plan, object]>([
    [
      'names a source that is not there',
      (plan) => ({
        ...plan,
        mounts: [...plan.mounts, { kind: 'bind', source: 500, target: '/x', attributes: [] }],
      }),
      { layer: 'mount', operation: 'open_tree', object: '/x', errno: 9 },
    ],
    [
      'mounts through a link',
      (plan) => ({ ...plan, mounts: [...plan.mounts, { kind: 'directory', target: '/bin/x', mode: 0o755 }] }),
      { layer: 'mount', object: '/bin/x' },
    ],
    [
      'works in a folder that is not there',
      (plan) => ({ ...plan, workDirectory: '/nowhere' }),
      { layer: 'workdir', operation: 'chdir', object: '/nowhere', errno: 2 },
    ],
    [
      'limits what this cgroup does not have',
      (plan) => ({ ...plan, limits: [{ file: 'nothing.max', written: '1', readBack: '1' }] }),
      { layer: 'limit', operation: 'write', object: 'nothing.max' },
    ],
    [
      'wants another value back than the kernel keeps',
      (plan) => ({ ...plan, limits: [{ file: 'cgroup.max.depth', written: '3', readBack: '4' }] }),
      { layer: 'limit', operation: 'read back', object: 'cgroup.max.depth', errno: 0 },
    ],
    [
      'leaves init no descriptor',
      (plan) => ({ ...plan, resourceLimits: [{ resource: 7, soft: 1n, hard: 1n }] }),
      { layer: 'process', operation: 'signalfd', errno: 24 },
    ],
  ])('and %s starts nothing', async (_title, edit, error) => {
    await using job = new ExecutorJob(['true'], { edit });
    expect(await job.record()).toMatchObject({ ran: false, exit_code: 125, ended_by: 'refused', error });
    expect(job.cgroupExists).toBe(false);
  });
});
