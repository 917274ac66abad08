import { cannotEscape } from './escape.ts';

cannotEscape('does not reach the executor through its init (CVE-2019-5736)', {
  layer: 'dumpable',
  attempt: (jobs) => jobs.probe(['processes.open-of-init', 'exe']),
});
