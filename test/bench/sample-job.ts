/** The job that all sandboxes are measured with, and what the peers need to build the same one. */
import { randomUUID } from 'node:crypto';
import type { CheckedJobSpec } from '../../native-helper/api/job-spec.ts';
import { type CompiledJob, compileJob } from '../../native-helper/server/plan/compile.ts';
import { HostRoot } from '../../native-helper/server/plan/host-root.ts';
import { PLAIN_SPEC } from '../fixtures/job-spec.ts';
import { compileContext } from '../fixtures/monitor.ts';

export const SAMPLE_SPEC: CheckedJobSpec = { ...PLAIN_SPEC, command: '/bin/true' };

/** @param workPath an empty folder; it becomes /work. */
export function compileSample(resources: DisposableStack, workPath: string): CompiledJob {
  const context = compileContext(resources.use(HostRoot.open()));
  return resources.use(compileJob({ uuid: randomUUID(), spec: SAMPLE_SPEC, workPath }, context));
}
