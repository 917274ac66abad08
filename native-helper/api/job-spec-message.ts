import type { JobSpec } from './gen/joblet_pb.js';
import { NO_RETRY } from './job-spec.ts';

/** The fields of a specification's message without what protobuf adds to it: what `jobSpecSchema` checks. */
export function fieldsOf(spec: JobSpec): object {
  const { limits, retry, terminal, volumes, mounts, tcpPorts, ...fields } = withoutNames(spec);
  return {
    ...fields,
    limits: limits === undefined ? {} : withoutNames(limits),
    volumes: volumes.map(withoutNames),
    retry: retry === undefined ? NO_RETRY : withoutNames(retry),
    ...(terminal !== undefined && { terminal: withoutNames(terminal) }),
    tcpPorts: tcpPorts === undefined ? {} : withoutNames(tcpPorts),
    mounts: mounts.map(withoutNames),
  };
}

function withoutNames<T extends { readonly $typeName: string; readonly $unknown?: unknown }>(message: T) {
  const { $typeName: _, $unknown: __, ...fields } = message;
  return fields;
}
