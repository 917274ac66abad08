import { JobletError } from '../../native-helper/api/errors.ts';
import type { Failure } from './contract.ts';

/** An error as data. One that is not a JobletError is a fault of ours. */
export function failureOf(error: unknown): Failure {
  if (error instanceof JobletError) {
    return { kind: error.kind, ...error.details };
  }
  return {
    kind: 'internal',
    layer: 'app',
    operation: 'handle',
    object: '',
    reason: error instanceof Error ? error.message : String(error),
    mend: "The app's log has the details.",
  };
}
