import { create } from '@bufbuild/protobuf';
import { type JobMetrics, JobMetricsSchema } from '../../../api/gen/joblet_pb.js';
import type { Sample } from './sample-file.ts';

/** A sample as the API tells it: what is not counted here is left out. */
export function metricsOf(uuid: string, sample: Sample): JobMetrics {
  const counted = Object.entries(sample).filter(([, value]) => value !== undefined);
  return create(JobMetricsSchema, { uuid, ...Object.fromEntries(counted) });
}
