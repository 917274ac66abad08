/** The job service: from messages to the job manager and back. What a job is and does is not decided here. */
import type { ServiceImpl } from '@connectrpc/connect';
import { JobletError } from '../../api/errors.ts';
import type { JobService } from '../../api/gen/joblet_pb.js';
import type { JobManager } from '../jobs/job-manager.ts';
import { callerOf } from './caller.ts';

export function createJobService(jobs: JobManager): ServiceImpl<typeof JobService> {
  return {
    runJob(request, context) {
      if (request.spec === undefined) {
        throw new JobletError('invalid', {
          layer: 'job',
          operation: 'run',
          object: 'spec',
          reason: 'is missing',
          mend: '',
        });
      }
      const { uid, ...groups } = callerOf(context);
      return jobs.run(request.spec, uid, groups);
    },
    getJob: (request) => jobs.get(request.id),
    listJobs: (request) => jobs.list(request),
    watchJobs: (request, { signal }) => jobs.watch(request.ids, signal),
    stopJob: (request, { signal }) => jobs.stop(request.id, request.graceMs, signal),
    cancelJob: (request) => jobs.cancel(request.id),
    pauseJob: (request) => jobs.pause(request.id),
    resumeJob: (request) => jobs.resume(request.id),
    deleteJob: async (request) => ({ uuid: await jobs.delete(request.id) }),
    deleteAllJobs: () => jobs.deleteAll(),
    getLogs: (request, { signal }) => jobs.logs(request, signal),
    attachJob: (requests, context) => jobs.sessions.attach(requests, callerOf(context).uid, context.signal),
    execJob: (requests, context) => jobs.sessions.exec(requests, callerOf(context).uid, context.signal),
    getMetrics: (request, { signal }) => jobs.metricsOf(request.id, request.follow, signal),
    watchMetrics: (request, { signal }) => jobs.metrics(request.ids, request.intervalMs, signal),
  };
}
