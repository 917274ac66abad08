import type { JobSpec } from './gen/joblet_pb.js';

/** The fields of a specification's message without what protobuf adds to it: what `jobSpecSchema` checks. */
export function fieldsOf(spec: JobSpec): object {
  const { $typeName: _, $unknown: __, limits, ...fields } = spec;
  const { $typeName: ___, $unknown: ____, ...asked } = limits ?? { $typeName: '', $unknown: [] };
  return { ...fields, limits: asked };
}
