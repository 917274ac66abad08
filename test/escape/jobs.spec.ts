/** One job against another: both run at the same time, as the same user. */
import { randomInt } from 'node:crypto';
import { rmSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { cannotEscape, type Jobs } from './escape.ts';
import { runOnHost } from './probes.ts';
import type { StartedJob } from './sandbox.ts';

const PATIENCE_MS = 10_000;

/** A job that has done what `script` says, said so, and stays. */
async function neighbour(jobs: Jobs, script: string): Promise<StartedJob & AsyncDisposable> {
  const job = jobs.start(['sh', '-c', `${script} && echo ready && sleep 600`]);
  for (const deadline = Date.now() + PATIENCE_MS; !job.output().includes('ready'); await delay(10)) {
    if (Date.now() > deadline) {
      throw new Error(`the other job is not ready: ${job.output()}`);
    }
  }
  return {
    ...job,
    [Symbol.asyncDispose]: async () => {
      process.kill(job.monitor, 'SIGKILL');
      await job.ended();
    },
  };
}

for (const folder of ['/tmp', '/dev/shm']) {
  cannotEscape(`reads nothing that another job has in ${folder}`, {
    layer: 'mount-namespace',
    attempt: async (jobs) => {
      const path = `${folder}/joblet-escape-${crypto.randomUUID()}`;
      await using _other = await neighbour(jobs, `echo secret >${path}`);
      try {
        return await jobs.probe(['filesystem.read', path]);
      } finally {
        rmSync(path, { force: true });
      }
    },
  });
}

cannotEscape('sees no process of another job', {
  layer: 'pid-namespace',
  attempt: async (jobs) => {
    const marker = crypto.randomUUID();
    await using _other = await neighbour(jobs, `: ${marker}`);
    return await jobs.probe(['processes.see', marker]);
  },
});

cannotEscape('ends no process of another job', {
  layer: 'pid-namespace',
  beside: ['landlock-scopes'],
  attempt: async (jobs) => {
    await using other = await neighbour(jobs, ':');
    const [init] = jobs.sandbox.processesOf(other);
    return await jobs.probe(['processes.end', String(init)]);
  },
});

cannotEscape('has no System V object of another job', {
  layer: 'ipc',
  attempt: async (jobs) => {
    const key = String(randomInt(1, 2 ** 31 - 1));
    const name = `/joblet-escape-${key}`;
    await using _other = await neighbour(jobs, `/work/probe ipc.plant ${key} ${name}`);
    try {
      return await jobs.probe(['ipc.shared-memory', key]);
    } finally {
      await runOnHost('ipc.clear', key, name);
    }
  },
});
