/** The file service: from messages to the work folders of jobs and back. */
import type { ServiceImpl } from '@connectrpc/connect';
import type { FileService } from '../../api/gen/joblet_pb.js';
import { listFiles, readFile } from '../files/work-files.ts';
import type { JobManager } from '../jobs/job-manager.ts';
import { callerOf } from './caller.ts';

export function createFileService(jobs: JobManager): ServiceImpl<typeof FileService> {
  return {
    async *listFiles({ id, path }, { signal }) {
      yield* listFiles(await jobs.workOf(id), path, signal);
    },
    async *readFile({ id, path, offset }, { signal }) {
      yield* readFile(await jobs.workOf(id), { path, offset, signal });
    },
    uploadFiles: async (messages, context) => ({
      job: await jobs.upload(messages, callerOf(context).uid, context.signal),
    }),
  };
}
