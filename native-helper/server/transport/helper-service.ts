/** The helper itself: its state, what this machine can do, certificates, and its end. */
import type { ServiceImpl } from '@connectrpc/connect';
import type { HelperService } from '../../api/gen/joblet_pb.js';
import type { Paths } from '../../api/paths.ts';
import { VERSION } from '../../api/version.ts';
import type { Assets } from '../assets.ts';
import type { Installation } from '../config/installation.ts';
import { examineKernel } from '../doctor.ts';
import type { JobManager } from '../jobs/job-manager.ts';
import { callerOf } from './caller.ts';

export interface HelperServiceOptions {
  readonly jobs: JobManager;
  readonly installation: Installation;
  readonly assets: Assets;
  readonly paths: Paths;
  /** Called when new certificates are in place. */
  readonly onRotated: () => void;
  /** Called when a client asked for the end; the answer is sent first. */
  readonly onShutdown: (uid: number) => void;
}

export function createHelperService(options: HelperServiceOptions): ServiceImpl<typeof HelperService> {
  const { jobs, installation, assets, paths } = options;
  const startedUs = BigInt(Date.now()) * 1000n;
  return {
    getStatus() {
      const { running, total, cgroup, controllers } = jobs.status();
      return {
        version: VERSION,
        buildId: assets.buildId,
        pid: process.pid,
        startedUs,
        jobsRunning: running,
        jobsTotal: BigInt(total),
        root: paths.root,
        nodeId: installation.config.node_id,
        cgroup,
        controllers,
      };
    },
    doctor: async () => ({
      checks: [...examineKernel(), ...(await jobs.doctor()), ...(await jobs.networks.doctor())],
    }),
    async getLogUsage() {
      const { diskBytes, printedBytes, logs } = await jobs.logKeeper.usage();
      const { job_bytes: jobBytes, total_bytes: totalBytes, ...rules } = installation.config.logs;
      return {
        diskBytes: BigInt(diskBytes),
        printedBytes: BigInt(printedBytes),
        logs: BigInt(logs),
        compress: rules.compress,
        compressAfterMs: BigInt(rules.compress_after_ms),
        ...(jobBytes !== undefined && { jobBytes: BigInt(jobBytes) }),
        ...(totalBytes !== undefined && { totalBytes: BigInt(totalBytes) }),
        ...(rules.keep_days !== undefined && { keepDays: rules.keep_days }),
        ...(rules.keep_jobs !== undefined && { keepJobs: rules.keep_jobs }),
      };
    },
    async rotateCertificates({ authority }, context) {
      const { uid } = callerOf(context);
      const rotation = await (authority ? installation.rotateAuthority(uid) : installation.rotateClient(uid));
      options.onRotated();
      return {
        paths: rotation.paths,
        clientNotAfterUs: BigInt(rotation.clientNotAfter.getTime()) * 1000n,
      };
    },
    shutdown(_request, context) {
      options.onShutdown(callerOf(context).uid);
      return {};
    },
  };
}
