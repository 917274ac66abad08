/** One leak of each kind, made on purpose: a check that does not find them has shown nothing. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect as connectSocket, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from '../../src-main/client/index.ts';
import { PROBES } from '../escape/probes.ts';
import type { Kind, Places } from './census.ts';

export interface Plant {
  readonly kind: Kind;
  /** Makes the leak. @returns what removes it again. */
  readonly plant: (places: Places, socket: string) => Promise<() => Promise<void> | void>;
}

export const PLANTS: readonly Plant[] = [
  {
    kind: 'mount',
    plant: async ({ root }) => {
      const target = mkdtempSync(join(root, 'planted-'));
      execFileSync('mount', ['-t', 'tmpfs', 'planted', target]);
      return () => {
        execFileSync('umount', [target]);
        rmdirSync(target);
      };
    },
  },
  {
    kind: 'loop device',
    plant: async ({ root }) => {
      const image = join(root, 'planted.image');
      writeFileSync(image, Buffer.alloc(1_048_576));
      const device = execFileSync('losetup', ['--find', '--show', image], { encoding: 'utf8' }).trim();
      return () => {
        execFileSync('losetup', ['--detach', device]);
        rmSync(image);
      };
    },
  },
  {
    kind: 'cgroup',
    plant: async ({ cgroup }) => {
      const path = join(cgroup, 'job-planted');
      mkdirSync(path);
      return () => rmdirSync(path);
    },
  },
  { kind: 'process', plant: () => keepRunning('sleep', ['600']) },
  // The child of a process that never waits for it.
  { kind: 'zombie', plant: () => keepRunning('sh', ['-c', 'true & exec sleep 600']) },
  { kind: 'namespace', plant: () => keepRunning('unshare', ['--uts', 'sleep', '600']) },
  {
    kind: 'descriptor of the helper',
    plant: async (_places, socket) => {
      const connection = connectSocket(socket);
      connection.on('error', () => {}); // the helper gives up on one that stays silent
      await once(connection, 'connect');
      return () => {
        connection.destroy();
      };
    },
  },
  {
    kind: 'file',
    plant: async ({ root }) => {
      const path = join(root, 'run/joblet/monitors/planted');
      writeFileSync(path, '');
      return () => rmSync(path);
    },
  },
  {
    kind: 'socket',
    plant: async () => {
      const server = createServer();
      server.listen('\0joblet-leakcheck-planted');
      await once(server, 'listening');
      return () => {
        server.close();
      };
    },
  },
  {
    kind: 'System V object',
    plant: async () => {
      execFileSync(PROBES, ['ipc.plant', '4711', '/planted']);
      return () => {
        execFileSync(PROBES, ['ipc.clear', '4711', '/planted']);
      };
    },
  },
  {
    kind: 'key',
    plant: ({ jobsUid }) => keepRunning(PROBES, ['keyring.hold', 'planted'], jobsUid),
  },
  {
    kind: 'network interface',
    plant: async () => {
      execFileSync('ip', ['link', 'add', 'jb-planted', 'type', 'bridge']);
      return () => {
        execFileSync('ip', ['link', 'delete', 'dev', 'jb-planted']);
      };
    },
  },
  {
    kind: 'packet filter',
    plant: async () => {
      execFileSync('nft', ['add', 'table', 'inet', 'joblet-planted']);
      return () => {
        execFileSync('nft', ['delete', 'table', 'inet', 'joblet-planted']);
      };
    },
  },
  // Of a job that stays; the lease goes some time after its end is told.
  {
    kind: 'address lease',
    plant: async ({ root }) => {
      const client = await connect({ root });
      const { uuid } = await client.jobs.runJob({
        spec: { command: 'sleep', args: ['600'], network: 'isolated' },
      });
      return async () => {
        await client.jobs.stopJob({ id: uuid, graceMs: 0n });
        await client.jobs.deleteJob({ id: uuid });
        client.close();
      };
    },
  },
];

/** Starts a process that stays, and waits until it is what it will be. */
async function keepRunning(
  program: string,
  argv: readonly string[],
  uid?: number,
): Promise<() => Promise<void>> {
  const child: ChildProcess = spawn(program, argv, {
    stdio: 'ignore',
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  await once(child, 'spawn');
  await delay(200);
  return async () => {
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
}
