/** Attacks on the building of a job's root: what a job leaves or replaces must lead nobody's mounts astray. */
import { cannotEscape } from './escape.ts';

cannotEscape('does not replace /dev/null, which covers what is masked (CVE-2025-31133)', {
  layer: 'credentials',
  attempt: (jobs) => jobs.probe(['devices.replace', '/dev/null']),
});

cannotEscape('does not make /dev/console (CVE-2025-52565)', {
  layer: 'credentials',
  attempt: (jobs) => jobs.probe(['devices.replace', '/dev/console']),
});
