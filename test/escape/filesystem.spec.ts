import { once } from 'node:events';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { cannotEscape, verdict } from './escape.ts';
import { HostFile } from './host-file.ts';

for (const parent of [
  '/home',
  '/root',
  '/run',
  '/var',
  '/var/lib',
  '/var/tmp',
  '/tmp',
  '/opt',
  '/srv',
  '/mnt',
  '/etc',
  '/boot',
  '/dev/shm',
]) {
  cannotEscape(`reads nothing of the host's ${parent}`, {
    layer: 'mount-namespace',
    lacks: () => (existsSync(parent) ? undefined : `this machine has no ${parent}`),
    // Only root may go through /root on most machines: without the layer beside it, nobody else can show the hole.
    ...(parent === '/root' ? { beside: ['credentials'] } : {}),
    attempt: async (jobs) => {
      using file = HostFile.in(parent);
      return await jobs.probe(['filesystem.read', file.path]);
    },
  });
}

for (const path of ['/etc/shadow', '/sys', '/sys/fs/cgroup', '/sys/kernel', '/boot']) {
  cannotEscape(`does not see the host's ${path}`, {
    layer: 'mount-namespace',
    lacks: () => (existsSync(path) ? undefined : `this machine has no ${path}`),
    attempt: (jobs) => jobs.probe(['filesystem.see', path]),
  });
}

cannotEscape('does not see the work of another job', {
  layer: 'mount-namespace',
  // The folders of jobs are for root alone.
  beside: ['credentials'],
  attempt: async (jobs) => {
    const other = jobs.start(['sleep', '20']);
    const seen = await jobs.probe(['filesystem.see', other.work]);
    process.kill(other.monitor, 'SIGKILL');
    await other.ended();
    return seen;
  },
});

cannotEscape('does not climb out of its root, as out of chroot', {
  layer: 'mount-namespace',
  attempt: async (jobs) => {
    using file = HostFile.in('/var/tmp');
    return await jobs.probe(['filesystem.climb-out-of-root', file.path]);
  },
});

cannotEscape('writes nothing in /usr, however open it is', {
  layer: 'read-only',
  attempt: async (jobs) => {
    using file = HostFile.in('/usr/local/share');
    const { evidence } = await jobs.probe(['filesystem.write', file.path]);
    return verdict(file.isChanged, evidence);
  },
});

cannotEscape('does not remount /usr in a user namespace', {
  layer: 'read-only',
  attempt: async (jobs) => {
    using file = HostFile.in('/usr/local/share');
    const { evidence } = await jobs.probe(['filesystem.remount', file.path]);
    return verdict(file.isChanged, evidence);
  },
});

cannotEscape('has no mount but its own that it can write to', {
  layer: 'read-only',
  attempt: (jobs) => jobs.probe(['filesystem.mounts-read-only']),
});

cannotEscape('does not reach a socket of the host, such as the helper’s (CVE-2025-9074)', {
  layer: 'mount-namespace',
  attempt: async (jobs) => {
    using socket = await listenIn('/run');
    return await jobs.probe(['filesystem.connect', socket.path]);
  },
});

/** A socket to which every user may connect, like the helper's. */
async function listenIn(parent: string): Promise<Disposable & { readonly path: string }> {
  const folder = join(parent, `joblet-escape-${crypto.randomUUID()}`);
  mkdirSync(folder);
  const path = join(folder, 'joblet.sock');
  const server = createServer((socket) => socket.destroy());
  server.listen({ path, readableAll: true, writableAll: true });
  await once(server, 'listening');
  return {
    path,
    [Symbol.dispose]: () => {
      server.close();
      rmSync(folder, { recursive: true });
    },
  };
}
