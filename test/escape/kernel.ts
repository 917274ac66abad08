/** What a kernel may lack for a test here to mean anything. */
import { readFileSync } from 'node:fs';
import { landlockAbi } from '../../native-helper/kernel/system-call.ts';

export function lacksScopes(): string | undefined {
  return landlockAbi() < 6 ? 'Landlock has no scopes before Linux 6.12' : undefined;
}

/** CAP_SYS_RESOURCE of whoever starts jobs: root has it, but in many containers. */
export function lacksResourceCapability(): string | undefined {
  const [, effective = '0'] = /^CapEff:\t([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return (BigInt(`0x${effective}`) >> 24n) & 1n ? undefined : 'root has no CAP_SYS_RESOURCE here';
}

export function lacksPorts(): string | undefined {
  return landlockAbi() < 4 ? 'Landlock has no TCP ports before Linux 6.7' : undefined;
}

/** <asm-generic/ioctls.h>; since Linux 6.2 a setting can switch it off for everyone. */
const SETTING = '/proc/sys/dev/tty/legacy_tiocsti';

export function tiocstiIsOff(): string | undefined {
  try {
    return readFileSync(SETTING, 'utf8').trim() === '0' ? `${SETTING} is 0` : undefined;
  } catch {
    return undefined;
  }
}
