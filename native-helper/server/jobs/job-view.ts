/** A stored job as the API shows it: secret values are replaced, and what it waits for stands in words. */
import { create } from '@bufbuild/protobuf';
import { type Attempt, type Job, JobSchema, type JobSpec, JobStatus } from '../../api/gen/joblet_pb.js';
import { isSecretName } from '../../api/job-spec.ts';
import type { JobRecord } from '../state/job-store.ts';
import { isAsUsual } from './log-state.ts';

/** What stands in the place of a secret value. */
const MASK = '***';

export interface ViewContext {
  readonly nodeId: string;
  /** Empty when the job does not wait, or for a time only. */
  readonly waitingFor: string;
  /** Those before the present one. */
  readonly attempts: Attempt[];
  /** Of its own; empty when it has none now. */
  readonly addresses: readonly string[];
}

export function jobMessage(job: JobRecord, { nodeId, waitingFor, attempts, addresses }: ViewContext): Job {
  const isScheduled = job.status === JobStatus.SCHEDULED;
  return create(JobSchema, {
    uuid: job.uuid,
    spec: withoutSecrets(job.spec),
    status: job.status,
    waitingFor: isScheduled && job.dueUs > 0 ? timeToWaitFor(job, attempts.length) : waitingFor,
    dueUs: isScheduled ? BigInt(job.dueUs) : 0n,
    attempts,
    addresses: [...addresses],
    createdUs: BigInt(job.createdUs),
    startedUs: BigInt(job.startedUs),
    endedUs: BigInt(job.endedUs),
    ...(job.exitCode === null ? {} : { exitCode: job.exitCode }),
    ...(job.signal === null ? {} : { signal: job.signal }),
    ...(job.failure === null ? {} : { failure: job.failure }),
    ...(job.usage === null ? {} : { usage: job.usage }),
    denials: [...job.denials],
    ...(job.logState === null || isAsUsual(job.logState) ? {} : { logState: job.logState }),
    ownerUid: job.ownerUid,
    nodeId,
  });
}

/** @param ended how many attempts have */
function timeToWaitFor({ dueUs, spec }: JobRecord, ended: number): string {
  // The Swedish form is YYYY-MM-DD HH:MM:SS, in the zone of this machine.
  const time = new Date(dueUs / 1000).toLocaleString('sv');
  return ended === 0
    ? `its start at ${time}`
    : `attempt ${ended + 1} of ${(spec.retry?.attempts ?? 0) + 1} at ${time}`;
}

/** The specification with every secret value replaced, and plain ones whose names say that they are secret. */
function withoutSecrets(spec: JobSpec): JobSpec {
  const environment = Object.entries(spec.environment).map(([name, value]) => [
    name,
    isSecretName(name) ? MASK : value,
  ]);
  return { ...storable(spec), environment: Object.fromEntries(environment) };
}

/** The specification as it may be stored: names of secrets without their values. */
export function storable(spec: JobSpec): JobSpec {
  const names = Object.keys(spec.secretEnvironment);
  return { ...spec, secretEnvironment: Object.fromEntries(names.map((name) => [name, MASK])) };
}
