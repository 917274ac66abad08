import type { CheckedJobSpec } from '../../state/job-spec.ts';
import { commandLineOf, MASK } from '../job-page/command-line.ts';

/** The `joblet job run …` line that asks for the same; what is secret stays so. */
export function terminalLine(spec: CheckedJobSpec): string {
  const names = Object.keys(spec.secretEnvironment);
  return commandLineOf({ ...spec, secretEnvironment: Object.fromEntries(names.map((name) => [name, MASK])) });
}
