/** What this machine gives to jobs: what the helper says, or what can be seen without it. */
import { JobletError } from '../../native-helper/api/errors.ts';
import type { DoctorResponse } from '../../native-helper/api/gen/joblet_pb.js';
import { type Check, localChecks } from './local-checks.ts';

export interface Examination {
  readonly checks: readonly Check[];
  /** What could not be found out, in words; absent when all was. */
  readonly notAsked?: string;
}

/**
 * The helper sees more than this process, so its answer takes the place of our own; without it no job runs.
 *
 * @param ask asks the helper
 */
export async function examine(ask: () => Promise<DoctorResponse>): Promise<Examination> {
  try {
    const { checks } = await ask();
    const told = checks.map(({ name, available, required, found, mend }) => ({
      name,
      available,
      required,
      found,
      mend,
    }));
    return {
      checks: [{ name: 'helper', available: true, required: true, found: 'answers', mend: '' }, ...told],
    };
  } catch (error) {
    if (error instanceof JobletError) {
      return {
        checks: [helperCheck(error), ...localChecks()],
        notAsked: 'what only the helper can see: its controllers, devices and security modules',
      };
    }
    throw error;
  }
}

function helperCheck({ details }: JobletError): Check {
  const { operation, object, reason, mend } = details;
  return {
    name: 'helper',
    available: false,
    required: true,
    found: `${operation} ${object}: ${reason}`,
    mend,
  };
}
