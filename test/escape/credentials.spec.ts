import { chmodSync, chownSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cannotEscape } from './escape.ts';
import { JOB_USER } from './sandbox.ts';

/** A group that nobody is in, but the process that starts the monitor. */
const GROUP = 48_123;

cannotEscape('runs as nobody', {
  layer: 'credentials',
  attempt: (jobs) => jobs.probe(['credentials.ids', String(JOB_USER), String(JOB_USER)]),
});

cannotEscape('does not read a file of root', {
  layer: 'credentials',
  attempt: (jobs) =>
    jobs.probe(['filesystem.read', '/work/private'], {
      prepare: (work) => writeFileSync(join(work, 'private'), 'only for root\n', { mode: 0o600 }),
    }),
});

cannotEscape('is in no group of whoever started it', {
  layer: 'credentials',
  attempt: async (jobs) => {
    using _groups = inGroups([GROUP]);
    return await jobs.probe(['credentials.groups']);
  },
});

cannotEscape('does not read a file of a group of whoever started it', {
  layer: 'credentials',
  attempt: async (jobs) => {
    using _groups = inGroups([GROUP]);
    return await jobs.probe(['filesystem.read', '/work/private'], {
      prepare: (work) => {
        const path = join(work, 'private');
        writeFileSync(path, 'only for the group\n');
        chownSync(path, 0, GROUP);
        chmodSync(path, 0o640);
      },
    });
  },
});

cannotEscape('has its secure bits locked', {
  layer: 'securebits',
  attempt: (jobs) => jobs.probe(['credentials.secure-bits']),
});

cannotEscape('has no core dumps written', {
  layer: 'rlimits',
  attempt: (jobs) => jobs.probe(['credentials.core-dumps']),
});

cannotEscape('has nothing of the environment of its monitor (CVE-2025-23266)', {
  layer: 'environment',
  attempt: (jobs) =>
    jobs.probe(['credentials.environment', 'JOBLET_SECRET'], { environment: ['JOBLET_SECRET=1'] }),
});

/** Gives this process, and so the monitors that it starts, supplementary groups. */
function inGroups(groups: readonly number[]): Disposable {
  const before = process.getgroups?.() ?? [];
  process.setgroups?.([...groups]);
  return { [Symbol.dispose]: () => process.setgroups?.(before) };
}
