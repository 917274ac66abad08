/** A specification from outside → one that is checked, by the schema that the command line uses too. */
import { JobletError } from '../../api/errors.ts';
import type { JobSpec } from '../../api/gen/joblet_pb.js';
import { type CheckedJobSpec, jobSpecSchema } from '../../api/job-spec.ts';
import { fieldsOf } from '../../api/job-spec-message.ts';
import type { JobStore } from '../state/job-store.ts';
import { noSuchJob } from './job-id.ts';

/** @throws JobletError (invalid) naming the first field that is out of its bounds. */
export function checkedSpec(spec: JobSpec): CheckedJobSpec {
  const messages = [spec, spec.limits, spec.retry, spec.terminal, ...spec.volumes];
  if (messages.some((message) => message?.$unknown !== undefined)) {
    throw invalid('spec', 'has fields that this helper does not know', 'Use a helper of the same version.');
  }
  const result = jobSpecSchema.safeParse(fieldsOf(spec));
  if (result.success) {
    return result.data;
  }
  const issue = result.error.issues[0];
  throw invalid(issue?.path.join('.') ?? 'spec', issue?.message ?? 'is malformed', '');
}

/**
 * The specification of a stored job: of its secrets there are only the names.
 *
 * @throws JobletError: not_found, internal when the job is damaged in the state, or invalid when it is none that this helper would take.
 */
export function storedSpec(store: JobStore, uuid: string): CheckedJobSpec {
  const job = store.get(uuid);
  if (job === undefined) {
    throw noSuchJob(uuid);
  }
  if (job.damage !== null) {
    const { layer, operation, object, cause: reason, mend } = job.damage;
    throw new JobletError('internal', { layer, operation, object, reason, mend });
  }
  return checkedSpec(job.spec);
}

function invalid(object: string, reason: string, mend: string): JobletError {
  return new JobletError('invalid', { layer: 'job', operation: 'check', object, reason, mend });
}
