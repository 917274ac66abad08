import { existsSync } from 'node:fs';
import { cannotEscape } from './escape.ts';

const KEY = 'joblet-escape';

cannotEscape('has no key of the session that started it', {
  layer: 'keyring',
  lacks: () => (existsSync('/proc/keys') ? undefined : 'this kernel keeps no keys'),
  attempt: (jobs) => jobs.probe(['keyring.session', KEY], { launcher: ['keyring.lend', KEY] }),
});
