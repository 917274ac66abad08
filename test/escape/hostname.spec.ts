import { hostname } from 'node:os';
import { cannotEscape } from './escape.ts';

cannotEscape('has a host name of its own', {
  layer: 'uts',
  attempt: (jobs) => jobs.probe(['kernel.host-name', hostname()]),
});
