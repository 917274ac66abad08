/** One page of the list of jobs. */
import { JobletError } from '../../api/errors.ts';
import { JobStatusSchema, type ListJobsRequest } from '../../api/gen/joblet_pb.js';
import { MAX_ARGUMENT_BYTES } from '../../api/job-spec.ts';
import { isLabelKey, isLabelValue, MAX_LABELS } from '../../api/labels.ts';
import type { JobStore, LabelFilter, StoredJob } from '../state/job-store.ts';

const DEFAULT_PAGE_SIZE = 100;
const MAX_PAGE_SIZE = 1000;
/** Half of what gRPC clients accept as one message by default: specifications may be large. */
const PAGE_BYTES_MAXIMUM = 2 * 1024 * 1024;

/** The sequence of the last job of the page before. */
const PAGE_TOKEN = /^[1-9][0-9]{0,15}$/;
const ID_PREFIX = /^[0-9a-f-]{0,36}$/;

/** @throws JobletError (invalid) naming the field that is out of its bounds. */
export function pageOf(
  store: JobStore,
  request: ListJobsRequest,
): { jobs: StoredJob[]; nextPageToken: string } {
  const { pageToken, pageSize, nameContains, commandContains, status, labels } = request;
  const idPrefix = request.idPrefix.toLowerCase();
  refuse(pageSize > MAX_PAGE_SIZE, 'page_size', `must be at most ${MAX_PAGE_SIZE}`);
  refuse(pageToken !== '' && !PAGE_TOKEN.test(pageToken), 'page_token', 'is not from an answer before');
  // An enumeration of proto3 is open, and each value asked for is a branch of the query.
  refuse(!status.every(isKnownStatus), 'status', 'is not a state that this helper knows');
  refuse(!ID_PREFIX.test(idPrefix), 'id_prefix', 'must be the beginning of a UUID');
  refuse(nameContains.length > MAX_ARGUMENT_BYTES, 'name_contains', 'is too long');
  refuse(commandContains.length > MAX_ARGUMENT_BYTES, 'command_contains', 'is too long');
  refuse(labels.length > MAX_LABELS, 'labels', `must be at most ${MAX_LABELS}`);
  const { jobs, hasMore } = store.list(
    {
      statuses: status,
      nameContains,
      commandContains,
      uuidPrefix: idPrefix,
      labels: labels.map(labelFilter),
    },
    {
      before: pageToken === '' ? Number.MAX_SAFE_INTEGER : Number(pageToken),
      jobs: pageSize === 0 ? DEFAULT_PAGE_SIZE : pageSize,
      bytes: PAGE_BYTES_MAXIMUM,
    },
  );
  return { jobs, nextPageToken: hasMore ? String(jobs.at(-1)?.sequence) : '' };
}

function labelFilter(text: string): LabelFilter {
  const equals = text.indexOf('=');
  const key = equals === -1 ? text : text.slice(0, equals);
  const value = equals === -1 ? undefined : text.slice(equals + 1);
  refuse(!isLabelKey(key) || !isLabelValue(value ?? ''), 'labels', 'must be `key` or `key=value`');
  return { key, value };
}

function isKnownStatus(status: number): boolean {
  return JobStatusSchema.values.some(({ number }) => number === status);
}

function refuse(condition: boolean, field: string, reason: string): void {
  if (condition) {
    throw new JobletError('invalid', { layer: 'job', operation: 'list', object: field, reason, mend: '' });
  }
}
