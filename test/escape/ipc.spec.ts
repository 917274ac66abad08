import { randomInt } from 'node:crypto';
import { cannotEscape } from './escape.ts';
import { HostFile } from './host-file.ts';
import { runOnHost } from './probes.ts';

interface Planted extends AsyncDisposable {
  readonly key: string;
  readonly name: string;
}

/** One object of each kind on the host, open to every user. */
async function plant(): Promise<Planted> {
  const key = String(randomInt(1, 2 ** 31 - 1));
  const name = `/joblet-escape-${key}`;
  const clear = async (): Promise<void> => {
    await runOnHost('ipc.clear', key, name);
  };
  try {
    await runOnHost('ipc.plant', key, name);
  } catch (error) {
    await clear();
    throw error;
  }
  return { key, name, [Symbol.asyncDispose]: clear };
}

for (const kind of ['shared-memory', 'semaphore', 'message-queue']) {
  cannotEscape(`has no System V ${kind} of the host`, {
    layer: 'ipc',
    attempt: async (jobs) => {
      await using planted = await plant();
      return await jobs.probe([`ipc.${kind}`, planted.key]);
    },
  });
}

cannotEscape('has no POSIX message queue of the host', {
  layer: 'ipc',
  attempt: async (jobs) => {
    await using planted = await plant();
    return await jobs.probe(['ipc.posix-queue', planted.name]);
  },
});

cannotEscape('has no POSIX shared memory of the host', {
  layer: 'mount-namespace',
  attempt: async (jobs) => {
    using file = HostFile.in('/dev/shm');
    return await jobs.probe(['filesystem.read', file.path]);
  },
});
