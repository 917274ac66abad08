import type { JobSpec } from '../../../native-helper/api/gen/joblet_pb.js';

/** The command and its arguments as one text for people; only the JSON forms say where one argument ends. */
export function displayedCommand(spec: Pick<JobSpec, 'command' | 'args'> | undefined): string {
  return spec === undefined ? '' : [spec.command, ...spec.args].join(' ');
}
