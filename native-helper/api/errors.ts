/**
 * What went wrong, in the shape that crosses processes as `joblet.v1.Failure`: which layer refused, what it was
 * doing, to what, why, and what the user can do about it.
 */
export type ErrorKind =
  /** The request itself is malformed; nothing was done. */
  | 'invalid'
  /** The named object does not exist. */
  | 'not_found'
  /** The object exists, but its state does not allow the request. */
  | 'conflict'
  /** Asked for and not possible on this machine or for this caller; nothing was started. */
  | 'refused'
  /** A resource is used up: disk, descriptors, connections. */
  | 'exhausted'
  /** The other side is not there, or went away. */
  | 'unavailable'
  /** A fault of ours. */
  | 'internal';

export interface FailureDetails {
  /** The part that refused: `cgroup`, `mount`, `state`, `transport`, `config` … */
  readonly layer: string;
  /** The system call or step, such as `mkdir` or `parse`. */
  readonly operation: string;
  /** What it was done to: a path, a field, an id. */
  readonly object: string;
  /** errno name or words. */
  readonly reason: string;
  /** What to do now; empty when nothing can be done. */
  readonly mend: string;
}

export class JobletError extends Error {
  override readonly name = 'JobletError';
  readonly kind: ErrorKind;
  readonly details: FailureDetails;

  constructor(kind: ErrorKind, details: FailureDetails, options?: ErrorOptions) {
    super(describeFailure(details), options);
    this.kind = kind;
    this.details = details;
  }
}

/** One line for a person: `cgroup: mkdir /sys/fs/cgroup/joblet: EROFS. Remount it writable.` */
export function describeFailure({ layer, operation, object, reason, mend }: FailureDetails): string {
  const what = [operation, object].filter((part) => part !== '').join(' ');
  const cause = [layer, what, reason].filter((part) => part !== '').join(': ');
  return mend === '' ? cause : `${cause.replace(/\.$/, '')}. ${mend}`;
}

/** The errno name of a Node system error (`ENOENT`), or its message when it is none. */
export function causeOf(error: unknown): string {
  if (error instanceof Error) {
    return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
  }
  return String(error);
}
