/** What the logs of running jobs may take where their disk does not take their output (ADR-005): memory, shared out, and another place. */
import { constants, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Source } from '../plan/sources.ts';

/** Less than this a monitor does not take (docs/plan-format.md). */
const SHARE_BYTES_MINIMUM = 2 ** 20;

/**
 * Bytes for each of so many jobs. It changes where their number passes a power of two: else each start and each end would be told to all.
 *
 * @param all bytes for all of them together; beyond one job a MiB they get more.
 */
export function memoryShare(all: number, jobs: number): bigint {
  const parts = 2 ** Math.ceil(Math.log2(Math.max(1, jobs)));
  return BigInt(Math.max(SHARE_BYTES_MINIMUM, Math.floor(all / parts)));
}

/**
 * A file without a name, which is gone with the last who has it open: the job's monitor. The caller closes it.
 *
 * @throws the system error
 */
export function openSpill(folder: string, uuid: string): Source {
  const path = join(folder, `joblet-log-${uuid}`);
  const fd = openSync(
    path,
    constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
    0o600,
  );
  rmSync(path);
  return { fd, path };
}
