import { randomUUID } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import { JobSpecSchema, JobStatus } from '../../native-helper/api/gen/joblet_pb.js';
import type { Paths } from '../../native-helper/api/paths.ts';
import { openDatabase } from '../../native-helper/server/state/database.ts';
import { JobStore, type StoredJob } from '../../native-helper/server/state/job-store.ts';

/** Writes jobs that have ended into the state under `paths`, and reads them back into memory. */
export function holdPastJobs(paths: Paths, count: number): StoredJob[] {
  const database = openDatabase(paths.database);
  try {
    const store = new JobStore(database);
    database.exec('BEGIN');
    const uuids = Array.from({ length: count }, () => randomUUID());
    for (const uuid of uuids) {
      store.insert({
        uuid,
        status: JobStatus.COMPLETED,
        ownerUid: 0,
        createdUs: Date.now() * 1000,
        spec: create(JobSpecSchema, { name: 'past', command: 'sh', args: ['-c', 'make all'] }),
      });
    }
    database.exec('COMMIT');
    return uuids.map((uuid) => store.get(uuid)).filter((job) => job !== undefined);
  } finally {
    database.close();
  }
}
