/** Today's helper over the state that helpers of every version of the schema have left. */
import { copyFileSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, it } from 'vitest';
import { type Job, JobStatus } from '../../native-helper/api/gen/joblet_pb.js';
import { pathsUnder } from '../../native-helper/api/paths.ts';
import { FROZEN_VERSIONS, frozenState, frozenUuid } from '../fixtures/frozen-states.ts';
import { temporaryRoot } from '../fixtures/root.ts';
import { RunningHelper } from '../fixtures/running-helper.ts';
import { within } from './size.ts';
import { untilEnded } from './verdict.ts';

it.each(FROZEN_VERSIONS)('version %i', { timeout: within(60_000) }, async (version) => {
  const root = temporaryRoot();
  const { database } = pathsUnder(root);
  mkdirSync(dirname(database), { recursive: true });
  copyFileSync(frozenState(version), database);
  await using helper = await RunningHelper.start({ root });
  const client = await helper.connect();
  try {
    const get = (number: number): Promise<Job> => client.jobs.getJob({ id: frozenUuid(number) });
    expect(await get(1)).toMatchObject({ status: JobStatus.COMPLETED, exitCode: 0 });
    expect(await get(2)).toMatchObject({ status: JobStatus.FAILED, exitCode: 127 });
    // It waited for a place.
    expect(await untilEnded(client, frozenUuid(3))).toMatchObject({ status: JobStatus.COMPLETED });
    if (version >= 2) {
      expect(await get(4)).toMatchObject({ status: JobStatus.SCHEDULED });
      expect(await get(5)).toMatchObject({ status: JobStatus.SCHEDULED, attempts: [{ exitCode: 1 }] });
    }
    const { uuid } = await client.jobs.runJob({ spec: { command: 'true' } });
    expect(await untilEnded(client, uuid)).toMatchObject({ status: JobStatus.COMPLETED });
  } finally {
    client.close();
  }
});
