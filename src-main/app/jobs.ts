/** What the window can ask to be done with jobs. */
import type { RequestPayload, Response } from '../ipc/contract.ts';
import { failureOf } from '../ipc/failure.ts';
import type { Desktop } from './desktop.ts';
import { rowOf } from './job-shapes.ts';
import type { JobUploads } from './job-uploads.ts';
import type { Link } from './link.ts';
import { logBytes } from './log/log-bytes.ts';
import { fileNameOf, saveLog } from './log/save-log.ts';

/** Calls at one time: enough to keep the helper busy, few enough that other calls find room between them. */
const CONCURRENT_CALLS = 16;

export async function runJob(
  uploads: JobUploads,
  { spec }: RequestPayload<'jobs.run'>,
): Promise<Response<'jobs.run'>> {
  return rowOf(await uploads.run(spec));
}

export function stopJobs(
  link: Link,
  { uuids }: RequestPayload<'jobs.stop'>,
  signal: AbortSignal,
): Promise<Response<'jobs.stop'>> {
  return withEach(uuids, (id) => link.client.jobs.stopJob({ id }, { signal }));
}

export function cancelJobs(
  link: Link,
  { uuids }: RequestPayload<'jobs.cancel'>,
  signal: AbortSignal,
): Promise<Response<'jobs.cancel'>> {
  return withEach(uuids, (id) => link.client.jobs.cancelJob({ id }, { signal }));
}

export function pauseJobs(
  link: Link,
  { uuids }: RequestPayload<'jobs.pause'>,
  signal: AbortSignal,
): Promise<Response<'jobs.pause'>> {
  return withEach(uuids, (id) => link.client.jobs.pauseJob({ id }, { signal }));
}

export function resumeJobs(
  link: Link,
  { uuids }: RequestPayload<'jobs.resume'>,
  signal: AbortSignal,
): Promise<Response<'jobs.resume'>> {
  return withEach(uuids, (id) => link.client.jobs.resumeJob({ id }, { signal }));
}

export function deleteJobs(
  link: Link,
  { uuids }: RequestPayload<'jobs.delete'>,
  signal: AbortSignal,
): Promise<Response<'jobs.delete'>> {
  return withEach(uuids, (id) => link.client.jobs.deleteJob({ id }, { signal }));
}

export async function saveJobLog(
  link: Link,
  desktop: Desktop,
  { uuid, stream }: RequestPayload<'log.save'>,
  signal: AbortSignal,
): Promise<Response<'log.save'>> {
  const { spec } = await link.client.jobs.getJob({ id: uuid }, { signal });
  const path = await desktop.askWhereToSave(fileNameOf(spec?.name ?? '', uuid));
  if (path !== null) {
    await saveLog(path, logBytes(link, uuid, stream, signal), signal);
  }
  return { path };
}

/** One that fails keeps the others from nothing. */
async function withEach(
  uuids: readonly string[],
  call: (uuid: string) => Promise<unknown>,
): Promise<Response<'jobs.stop'>> {
  const results: Response<'jobs.stop'> = [];
  const waiting = uuids.values();
  const work = async () => {
    for (const uuid of waiting) {
      const failure = await call(uuid).then(
        () => null,
        (error: unknown) => failureOf(error),
      );
      results.push({ uuid, failure });
    }
  };
  await Promise.all(Array.from({ length: Math.min(CONCURRENT_CALLS, uuids.length) }, work));
  return results;
}
