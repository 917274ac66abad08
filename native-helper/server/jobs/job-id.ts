/** Which job is meant by an id: a UUID, or the beginning of one that only one job has. */
import { JobletError } from '../../api/errors.ts';
import type { JobStore } from '../state/job-store.ts';

const LEAST_CHARACTERS = 4;
const SHOWN_CANDIDATES = 5;
const ID = /^[0-9a-f-]{4,36}$/;

/**
 * @returns the whole UUID, lower-case.
 * @throws JobletError: invalid (no id at all, or the beginning of several) or not_found.
 */
export function findJob(store: JobStore, id: string): string {
  const prefix = id.toLowerCase();
  if (!ID.test(prefix)) {
    throw new JobletError('invalid', {
      layer: 'job',
      operation: 'find',
      object: JSON.stringify(id.slice(0, 40)),
      reason: `is not the id of a job: a UUID or at least ${LEAST_CHARACTERS} of its first characters`,
      mend: 'joblet job list shows the ids.',
    });
  }
  const candidates = store.uuidsWithPrefix(prefix, SHOWN_CANDIDATES + 1);
  const [uuid] = candidates;
  if (uuid === undefined) {
    throw noSuchJob(id);
  }
  if (candidates.length > 1) {
    throw ambiguous(id, candidates);
  }
  return uuid;
}

export function noSuchJob(id: string): JobletError {
  return new JobletError('not_found', {
    layer: 'job',
    operation: 'find',
    object: id,
    reason: 'there is no such job',
    mend: 'joblet job list shows the ids.',
  });
}

function ambiguous(id: string, candidates: readonly string[]): JobletError {
  const shown = candidates.slice(0, SHOWN_CANDIDATES).join(', ');
  const more = candidates.length > SHOWN_CANDIDATES ? ' and others' : '';
  return new JobletError('invalid', {
    layer: 'job',
    operation: 'find',
    object: id,
    reason: `is the beginning of several ids: ${shown}${more}`,
    mend: 'Give more characters.',
  });
}
