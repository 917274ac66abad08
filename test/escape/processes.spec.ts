import { type ChildProcess, spawn } from 'node:child_process';
import { afterAll, beforeAll } from 'vitest';
import { cannotEscape } from './escape.ts';
import { lacksScopes } from './kernel.ts';
import { JOB_USER } from './sandbox.ts';

/** Stands in the arguments of a process of the host that has the job's own uid, so that only the layer protects it. */
const MARKER = `joblet-escape-${process.pid}`;
let victims: ChildProcess[] = [];

function victim(): number {
  const child = spawn('sleep', ['600'], { argv0: MARKER, uid: JOB_USER, gid: JOB_USER, stdio: 'ignore' });
  victims.push(child);
  if (child.pid === undefined) {
    throw new Error('sleep was not started');
  }
  return child.pid;
}

beforeAll(() => {
  victims = [];
});
afterAll(() => {
  for (const child of victims) {
    child.kill('SIGKILL');
  }
});

cannotEscape('sees no process of the host', {
  layer: 'pid-namespace',
  attempt: (jobs) => {
    victim();
    return jobs.probe(['processes.see', MARKER]);
  },
});

cannotEscape('ends no process of the host', {
  layer: 'pid-namespace',
  beside: ['landlock-scopes'],
  attempt: (jobs) => jobs.probe(['processes.end', String(victim())]),
});

cannotEscape('would end no process of the host even if it saw one', {
  layer: 'landlock-scopes',
  beside: ['pid-namespace'],
  lacks: lacksScopes,
  attempt: (jobs) => jobs.probe(['processes.end', String(victim())]),
});

cannotEscape('gets no pidfd of a process of the host', {
  layer: 'pid-namespace',
  attempt: (jobs) => jobs.probe(['processes.pidfd', String(victim())]),
});

cannotEscape('traces no process of the host', {
  layer: 'pid-namespace',
  beside: ['landlock-scopes'],
  attempt: (jobs) => jobs.probe(['processes.trace', String(victim())]),
});

cannotEscape('does not trace its init', {
  layer: 'dumpable',
  attempt: (jobs) => jobs.probe(['processes.trace', '1']),
});

for (const file of ['mem', 'environ', 'maps', 'exe', 'cwd', 'fd/0', 'root/etc/passwd']) {
  cannotEscape(`does not open /proc/1/${file} of its init`, {
    layer: 'dumpable',
    attempt: (jobs) => jobs.probe(['processes.open-of-init', file]),
  });
}
