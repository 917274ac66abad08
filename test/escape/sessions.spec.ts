/** Commands in a job that runs (`joblet job exec`): as confined as the job, from their first moment to the job's end. */
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import { cannotEscape, Jobs, sandboxTest, type Verdict, verdict } from './escape.ts';
import { tiocstiIsOff } from './kernel.ts';
import { settle } from './processes-with.ts';
import { type OpenJob, SEALS } from './sandbox.ts';

const SIZE = { columns: 80, rows: 24 };
const CONFINEMENT = 'sessions.confinement';

/** What a job's command prints of itself, and what one by `job exec` does. */
async function confinements(jobs: Jobs, seccompLevel: number): Promise<{ command: string; exec: string }> {
  const spec = { seccompLevel, network: 'none' };
  await using job = await jobs.open({ spec }, [CONFINEMENT, 'wait']);
  while (job.refused === undefined && !job.job.output().includes('END\n')) {
    await delay(5);
  }
  const { output } = await job.execute([job.program, CONFINEMENT, 'go']);
  return { command: job.job.output(), exec: output };
}

for (const level of [0, 1, 2, 3]) {
  sandboxTest(`a command by job exec is confined as the job’s own at level ${level}`, async ({ sandbox }) => {
    const { command, exec } = await confinements(new Jobs(sandbox, undefined, 'command'), level);
    expect(exec.split('\n')).toEqual(command.split('\n'));
  });
}

/** Namespaces have numbers of their own in each job. */
const comparable = (text: string): string =>
  text.replaceAll(/^(namespace|file mountinfo|file environ|keyring) .*$/gm, '');

/** Those that can be seen in what a process prints of itself. */
for (const layer of [
  'capabilities',
  'credentials',
  'no-new-privs',
  'securebits',
  'rlimits',
  'seccomp',
  'descriptors',
  'session',
]) {
  sandboxTest(`the comparison sees that a command lacks ${layer}`, async ({ sandbox }) => {
    const level = layer === 'seccomp' ? 1 : 0;
    // Without it no unprivileged process may restrict itself by Landlock.
    const beside = layer === 'no-new-privs' ? ['landlock-scopes'] : [];
    const whole = await confinements(new Jobs(sandbox, undefined, 'command'), level);
    const weak = await confinements(new Jobs(sandbox, ['report', layer, ...beside], 'command'), level);
    expect(weak.exec).toContain('END');
    expect(comparable(weak.exec)).not.toBe(comparable(whole.command));
  });
}

/** So many folders to look a program up in that another process has time to look at the one that does. */
const LONG_PATH = '/x:'.repeat(10_000);

cannotEscape('gets nothing of init from a command that is about to be executed (CVE-2016-9962)', {
  layer: 'dumpable',
  byExec: false,
  attempt: async (jobs) => {
    await using job = await jobs.open({ spec: { environment: { PATH: LONG_PATH } } }, [
      'sessions.watch-start',
    ]);
    return await whileExecuting(jobs, job, ['no-such-program']);
  },
});

/** Runs the command again and again until the job's own, which watches, has come to its verdict. */
async function whileExecuting(jobs: Jobs, job: OpenJob, command: readonly string[]): Promise<Verdict> {
  let ended = false;
  const end = job.job.ended().finally(() => {
    ended = true;
  });
  while (!ended) {
    await job.execute(command);
    await delay(1);
  }
  await end;
  return await jobs.verdictOf(job.job);
}

/** Its interpreter is whatever executes it. */
function leaveScript(work: string): void {
  const script = join(work, 'script');
  writeFileSync(script, '#!/proc/self/exe\n');
  chmodSync(script, 0o755);
}

cannotEscape('does not overwrite the executor that a script of the job’s runs as (CVE-2019-5736)', {
  layer: SEALS,
  byExec: false,
  attempt: async (jobs) => {
    await using job = await jobs.open({ prepare: leaveScript }, ['sessions.watch-executor']);
    return await whileExecuting(jobs, job, ['/work/script']);
  },
});

cannotEscape('types nothing into the terminal of a job exec (CVE-2017-5226)', {
  layer: 'seccomp',
  lacks: tiocstiIsOff,
  byExec: false,
  attempt: async (jobs) => {
    await using job = await jobs.open({ spec: { seccompLevel: 1 } });
    return await jobs.probeIn(job, ['sessions.type'], SIZE);
  },
});

cannotEscape('leaves nothing behind that is started while the job ends', {
  layer: 'cgroup-kill',
  beside: ['pid-namespace'],
  byExec: false,
  attempt: async (jobs) => {
    const marker = crypto.randomUUID();
    await using job = await jobs.open({}, ['lifetime.sleep', '50']);
    let started = 0;
    while ((await job.execute([job.program, 'lifetime.daemonize', marker])).ran) {
      started += 1;
    }
    await job.job.ended();
    const left = await settle(marker, 0);
    return verdict(left > 0, `${left} of ${started} processes outlive the job`);
  },
});
