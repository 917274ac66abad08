import { cannotEscape } from './escape.ts';
import { tiocstiIsOff } from './kernel.ts';

cannotEscape('types nothing into the terminal of whoever started it (CVE-2017-5226)', {
  layer: 'session',
  lacks: tiocstiIsOff,
  attempt: (jobs) => jobs.probe(['terminal.push'], { launcher: ['terminal.lend'] }),
});

cannotEscape('is in a session of its own', {
  layer: 'session',
  attempt: (jobs) => jobs.probe(['terminal.session'], { launcher: ['terminal.lend'] }),
});
