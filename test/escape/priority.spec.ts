/** What a job could take from the desktop by the scheduler and the killer of memory, past all cgroups. */
import { cannotEscape } from './escape.ts';
import { lacksResourceCapability } from './kernel.ts';

cannotEscape('does not make itself the last to be ended when memory runs out', {
  layer: 'capabilities',
  lacks: lacksResourceCapability,
  attempt: (jobs) => jobs.probe(['limits.oom-score']),
});

for (const way of ['realtime', 'nice']) {
  cannotEscape(`takes no priority by ${way}`, {
    layer: 'capabilities',
    attempt: (jobs) => jobs.probe([`limits.${way}`]),
  });

  cannotEscape(`takes no priority by ${way} where whoever started the helper may have it`, {
    layer: 'rlimits',
    lacks: lacksResourceCapability,
    attempt: (jobs) => jobs.probe([`limits.${way}`], { launcher: ['limits.lend-realtime'] }),
  });
}
