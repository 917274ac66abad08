/** A specification from outside → one that is checked, by the schema that the command line uses too. */
import { JobletError } from '../../api/errors.ts';
import type { JobSpec } from '../../api/gen/joblet_pb.js';
import { type CheckedJobSpec, jobSpecSchema } from '../../api/job-spec.ts';
import { fieldsOf } from '../../api/job-spec-message.ts';

/** @throws JobletError (invalid) naming the first field that is out of its bounds. */
export function checkedSpec(spec: JobSpec): CheckedJobSpec {
  if (spec.$unknown !== undefined || spec.limits?.$unknown !== undefined) {
    throw invalid('spec', 'has fields that this helper does not know', 'Use a helper of the same version.');
  }
  const result = jobSpecSchema.safeParse(fieldsOf(spec));
  if (result.success) {
    return result.data;
  }
  const issue = result.error.issues[0];
  throw invalid(issue?.path.join('.') ?? 'spec', issue?.message ?? 'is malformed', '');
}

function invalid(object: string, reason: string, mend: string): JobletError {
  return new JobletError('invalid', { layer: 'job', operation: 'check', object, reason, mend });
}
