import { readFileSync } from 'node:fs';
import { cannotEscape } from './escape.ts';

/** <asm-generic/ioctls.h>; since Linux 6.2 a setting can switch it off for everyone. */
const SETTING = '/proc/sys/dev/tty/legacy_tiocsti';

function tiocstiIsOff(): string | undefined {
  try {
    return readFileSync(SETTING, 'utf8').trim() === '0' ? `${SETTING} is 0` : undefined;
  } catch {
    return undefined;
  }
}

cannotEscape('types nothing into the terminal of whoever started it (CVE-2017-5226)', {
  layer: 'session',
  lacks: tiocstiIsOff,
  attempt: (jobs) => jobs.probe(['terminal.push'], { launcher: ['terminal.lend'] }),
});

cannotEscape('is in a session of its own', {
  layer: 'session',
  attempt: (jobs) => jobs.probe(['terminal.session'], { launcher: ['terminal.lend'] }),
});
