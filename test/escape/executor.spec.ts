import { cannotEscape } from './escape.ts';
import { SEALS } from './sandbox.ts';

cannotEscape('does not get at the executor through its init (CVE-2019-5736)', {
  layer: 'dumpable',
  beside: [SEALS],
  attempt: (jobs) => jobs.probe(['executor.overwrite']),
});

cannotEscape('does not overwrite the executor, should it get at it (CVE-2019-5736)', {
  layer: SEALS,
  beside: ['dumpable'],
  attempt: (jobs) => jobs.probe(['executor.overwrite']),
});
