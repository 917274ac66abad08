/** One job against another: both run at the same time, as the same user. */
import { randomInt } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { getPriority } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { cannotEscape, type Jobs, verdict } from './escape.ts';
import { lacksScopes } from './kernel.ts';
import { runOnHost } from './probes.ts';
import { FOLDER_MODES, type StartedJob } from './sandbox.ts';

const PATIENCE_MS = 10_000;
/** A number that the monitor has no use for. */
const LEAKED = 78;

/** A job that has done what `script` says, said so, and stays. */
const neighbour = (jobs: Jobs, script: string): Promise<StartedJob & AsyncDisposable> =>
  ready(jobs.start(['sh', '-c', `${script} && echo ready && sleep 600`]));

async function ready(job: StartedJob): Promise<StartedJob & AsyncDisposable> {
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

for (const way of ['mem', 'root', 'vm-read', 'kcmp', 'prlimit', 'getfd', 'setns']) {
  cannotEscape(`reaches no process of another job by ${way}`, {
    layer: 'pid-namespace',
    beside: ['landlock-scopes'],
    attempt: async (jobs) => {
      await using other = await ready(jobs.startProbe(['lifetime.wait-ready', 'for ever']));
      const [, command] = jobs.sandbox.processesOf(other);
      return await jobs.probe(['processes.reach', way, String(command)]);
    },
  });
}

cannotEscape('gives no process of another job less of the processor, though they have one uid', {
  layer: 'pid-namespace',
  attempt: async (jobs) => {
    await using other = await ready(jobs.startProbe(['lifetime.wait-ready', 'for ever']));
    const [, command] = jobs.sandbox.processesOf(other);
    await jobs.probe(['processes.slow-down']);
    const nice = getPriority(command);
    return verdict(nice === 15, `the other job runs at ${nice}`);
  },
});

cannotEscape('takes no descriptor from another job by an abstract socket (CVE-2020-15257)', {
  layer: 'landlock-scopes',
  lacks: lacksScopes,
  attempt: async (jobs) => {
    const name = `joblet-escape-${crypto.randomUUID()}`;
    await using _other = await ready(jobs.startProbe(['network.hand-out', name]));
    return await jobs.probe(['network.take', name]);
  },
});

cannotEscape('finds no key that another job has left for their uid', {
  layer: 'seccomp',
  lacks: () => (existsSync('/proc/keys') ? undefined : 'this kernel keeps no keys'),
  attempt: async (jobs) => {
    const key = `joblet-escape-${crypto.randomUUID()}`;
    await using _other = await ready(jobs.startProbe(['keyring.leave', key]));
    return await jobs.probe(['keyring.find', key], { spec: { seccompLevel: 2 } });
  },
});

cannotEscape('leaves nothing that a user of the host could run (CVE-2021-41091)', {
  layer: FOLDER_MODES,
  byExec: false,
  attempt: async (jobs) => {
    const job = jobs.startProbe(['lifetime.sleep', '0']);
    await job.ended();
    const seen = jobs.sandbox.seenByAnotherUser(job.work);
    return verdict(seen.startsWith('escaped'), seen);
  },
});

cannotEscape('writes no line to the log of the helper', {
  layer: 'descriptors',
  attempt: async (jobs) => {
    const text = `forged-${crypto.randomUUID()}`;
    using log = jobs.sandbox.openLog();
    const { evidence } = await jobs.probe(['descriptors.write-everywhere', text], {
      leaked: new Map([[LEAKED, log.fd]]),
    });
    return verdict(jobs.sandbox.helperLog().includes(text), evidence);
  },
});
