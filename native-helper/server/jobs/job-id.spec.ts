import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { create } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { JobletError } from '../../api/errors.ts';
import { JobSpecSchema, JobStatus, ListJobsRequestSchema } from '../../api/gen/joblet_pb.js';
import { openDatabase } from '../state/database.ts';
import { JobStore } from '../state/job-store.ts';
import { findJob } from './job-id.ts';
import { pageOf } from './job-list.ts';

const UUIDS = [
  'abcd0000-0000-4000-8000-000000000001',
  'abcd0000-0000-4000-8000-000000000002',
  'beef0000-0000-4000-8000-000000000003',
];

let folder: string;
let database: DatabaseSync;
let store: JobStore;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'joblet-id-'));
  database = openDatabase(join(folder, 'state.db'));
  store = new JobStore(database);
  for (const uuid of UUIDS) {
    store.insert({
      uuid,
      status: JobStatus.COMPLETED,
      ownerUid: 0,
      createdUs: 1,
      spec: create(JobSpecSchema, { command: 'true' }),
    });
  }
});
afterAll(() => {
  database.close();
  rmSync(folder, { recursive: true });
});

describe('findJob', () => {
  it('takes a whole id, or the beginning of one that only one job has', () => {
    expect(findJob(store, UUIDS[1] as string)).toBe(UUIDS[1]);
    expect(findJob(store, 'beef')).toBe(UUIDS[2]);
    expect(findJob(store, 'BEEF0000-')).toBe(UUIDS[2]);
  });

  it('names the candidates when several begin so', () => {
    expect(() => findJob(store, 'abcd0')).toThrow(
      `is the beginning of several ids: ${UUIDS[0]}, ${UUIDS[1]}`,
    );
  });

  it('says when there is none', () => {
    expect(() => findJob(store, 'ffff')).toThrow(expect.objectContaining({ kind: 'not_found' }));
  });

  it('refuses whatever is no id', () => {
    for (const id of ['', 'abc', '../../etc/passwd', 'abcd%', 'abcd\0', `${UUIDS[0]}0`, "abcd' OR 1=1"]) {
      expect(() => findJob(store, id), id).toThrow(expect.objectContaining({ kind: 'invalid' }));
    }
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (id) => {
        expect(() => findJob(store, `${id}!`)).toThrow(JobletError);
      }),
    );
  });
});

describe('pageOf', () => {
  it('goes from page to page by the token of the one before', () => {
    const first = pageOf(store, create(ListJobsRequestSchema, { pageSize: 2 }));
    expect(first.jobs.map(({ uuid }) => uuid)).toEqual([UUIDS[2], UUIDS[1]]);
    const second = pageOf(
      store,
      create(ListJobsRequestSchema, { pageSize: 2, pageToken: first.nextPageToken }),
    );
    expect(second).toMatchObject({ jobs: [{ uuid: UUIDS[0] }], nextPageToken: '' });
  });

  it.each([
    ['page_size', { pageSize: 1001 }],
    ['page_token', { pageToken: '-1' }],
    ['page_token', { pageToken: '1; DROP TABLE job' }],
    ['status', { status: [JobStatus.RUNNING, 99 as JobStatus] }],
    ['id_prefix', { idPrefix: '../' }],
    ['name_contains', { nameContains: 'x'.repeat(200_000) }],
  ])('refuses a %s out of its bounds', (object, request) => {
    expect(() => pageOf(store, create(ListJobsRequestSchema, request))).toThrow(
      expect.objectContaining({ kind: 'invalid', details: expect.objectContaining({ object }) }),
    );
  });
});
