import { chmodSync, copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { cannotEscape } from './escape.ts';
import { PROBES } from './probes.ts';

for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) {
  cannotEscape(`has no capability in ${set}`, {
    layer: 'capabilities',
    attempt: (jobs) => jobs.probe(['capabilities.set', set]),
  });
}

for (const act of ['mount', 'chroot', 'packet-socket', 'identity', 'chown', 'kernel-log']) {
  cannotEscape(`has no use of a capability: ${act}`, {
    layer: 'capabilities',
    attempt: (jobs) => jobs.probe([`capabilities.${act}`]),
  });
}

/** landlock_restrict_self(2) wants no_new_privs from a caller without CAP_SYS_ADMIN, and would refuse the job. */
const NEEDS_NO_NEW_PRIVS = ['landlock-scopes'];

cannotEscape('can gain no privilege by execve', {
  layer: 'no-new-privs',
  beside: NEEDS_NO_NEW_PRIVS,
  attempt: (jobs) => jobs.probe(['capabilities.no-new-privileges']),
});

/** Leaves a program that belongs to root and has the set-uid bit where the job can run it. */
function leaveSetuidProgram(work: string): void {
  const program = join(work, 'set-uid');
  copyFileSync(PROBES, program);
  chmodSync(program, 0o4755);
}

cannotEscape('does not become root by a set-uid program', {
  layer: 'no-new-privs',
  beside: NEEDS_NO_NEW_PRIVS,
  attempt: (jobs) =>
    jobs.probe(['capabilities.setuid-file', '/work/set-uid'], { prepare: leaveSetuidProgram }),
});
