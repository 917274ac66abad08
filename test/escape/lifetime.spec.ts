import { cannotEscape, verdict } from './escape.ts';
import { settle } from './processes-with.ts';

cannotEscape('leaves no process behind when its command has ended', {
  layer: 'cgroup-kill',
  beside: ['pid-namespace'],
  byExec: false,
  attempt: async (jobs) => {
    const marker = crypto.randomUUID();
    const job = jobs.startProbe(['lifetime.daemonize', marker]);
    await job.ended();
    const left = await settle(marker, 0);
    return verdict(left > 0, `${left} processes outlive the job`);
  },
});

cannotEscape('does not outlive its monitor', {
  layer: 'parent-death',
  byExec: false,
  attempt: async (jobs) => {
    const marker = crypto.randomUUID();
    const job = jobs.startProbe(['lifetime.wait', marker]);
    await settle(marker, 1);
    process.kill(job.monitor, 'SIGKILL');
    await job.ended();
    const left = await settle(marker, 0);
    return verdict(left > 0, `${left} processes outlive the monitor`);
  },
});
