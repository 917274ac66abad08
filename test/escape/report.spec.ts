import { cannotEscape } from './escape.ts';
import { JOB_USER } from './sandbox.ts';

cannotEscape('does not start when the kernel says other than the plan', {
  layer: 'report',
  beside: ['credentials'],
  attempt: (jobs) =>
    jobs.probeOrRefusal(/"layer":"report"/, ['credentials.ids', String(JOB_USER), String(JOB_USER)]),
});
