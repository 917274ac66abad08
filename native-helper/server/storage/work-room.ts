/** How much of the disk the work folders of jobs may take: each, and all together. */
import { readdirSync } from 'node:fs';
import type { ServerConfig } from '../../api/config-schema.ts';
import { JobletError } from '../../api/errors.ts';
import type { CheckedJobSpec } from '../../api/job-spec.ts';
import { jobDirectoryOf, type Paths } from '../../api/paths.ts';
import { workImageIn } from './sized-folder.ts';

/** @returns bytes; 0: none was asked for, by the job or by the configuration. */
export function workBytesOf(
  { workBytes }: Pick<CheckedJobSpec, 'workBytes'>,
  { work_bytes }: ServerConfig['jobs'],
): bigint {
  return workBytes || BigInt(work_bytes ?? 0);
}

/**
 * A job that has not ended counts with all that its folder may come to hold, one that has ended with what it takes of the disk: so what is promised
 * to those that run is never more than there may be.
 *
 * @param live the sizes of jobs that have not ended
 * @param own uuid of the job that wants them: what its folder takes is part of them
 * @throws JobletError (exhausted)
 */
export function refuseWithoutRoom(
  wanted: bigint,
  live: ReadonlyMap<string, bigint>,
  { paths, jobsConfig }: { readonly paths: Paths; readonly jobsConfig: ServerConfig['jobs'] },
  own?: string,
): void {
  const all = jobsConfig.all_work_bytes;
  if (all === undefined) {
    return;
  }
  const promised = [...live.values()].reduce((sum, bytes) => sum + bytes, 0n);
  const kept = readdirSync(paths.jobsDirectory)
    .filter((uuid) => uuid !== own && !live.has(uuid))
    .reduce((sum, uuid) => sum + workImageIn(jobDirectoryOf(paths, uuid)).diskBytes(), 0);
  const room = BigInt(all) - promised - BigInt(kept);
  if (wanted > room) {
    throw new JobletError('exhausted', {
      layer: 'disk',
      operation: 'make room',
      object: 'jobs.all_work_bytes',
      reason: `of ${all} bytes for the work folders of all jobs ${room < 0n ? 0n : room} are left, and this job may need ${wanted}`,
      mend: 'Delete jobs that have ended, or ask for less with --max-disk.',
    });
  }
}
