/**
 * Whether the machine was started since the helper before was. By the kernel's own id of the boot (random(4)) and not by times: the
 * clock of a machine is set now and then, and a job may have waited longer than one boot.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import type { Paths } from '../../api/paths.ts';
import type { Logger } from '../log.ts';

const BOOT_ID = '/proc/sys/kernel/random/boot_id';

/** When in doubt it is not. */
export function isBootOfHelperBefore({ boot }: Paths): boolean {
  try {
    return readFileSync(boot, 'utf8') === bootId();
  } catch {
    return false;
  }
}

/** Not synced: after a loss of power whatever it holds is of another boot. */
export function rememberBoot({ boot }: Paths, logger: Logger): void {
  try {
    writeFileSync(boot, bootId(), { mode: 0o600 });
  } catch (error) {
    logger.warn(
      { err: error, path: boot },
      'the boot could not be noted: a job that is half started is not started again',
    );
  }
}

function bootId(): string {
  return readFileSync(BOOT_ID, 'utf8');
}
