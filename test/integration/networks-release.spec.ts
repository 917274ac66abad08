/** What a job has of its network is given back, however its attempts end. */
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { JobStatus } from '../../native-helper/api/gen/joblet_pb.js';
import { pathsUnder } from '../../native-helper/api/paths.ts';
import type { JobManager } from '../../native-helper/server/jobs/job-manager.ts';
import { closeJobService, openJobService, shell, untilEnded, untilState } from '../fixtures/job-service.ts';
import { PLAIN_SPEC } from '../fixtures/job-spec.ts';
import { ip, NetworkWorld } from '../fixtures/network-world.ts';
import { temporaryRoot } from '../fixtures/root.ts';

/** With room for one job. */
const TINY = '10.97.0.0/30';
const FAR = { attempts: 3, delayMs: 3_600_000n };

let world: NetworkWorld;
let root: string;
let jobs: JobManager;

beforeAll(async () => {
  world = await NetworkWorld.enter();
});
afterAll(() => world[Symbol.asyncDispose]());
beforeEach(async () => {
  root = temporaryRoot();
  writeFileSync(
    join(root, 'nft'),
    `#!/bin/sh
[ -e "$0-broken" ] && { echo broken >&2; exit 1; }
[ -e "$0-slow" ] && sleep 6
exec /usr/sbin/nft "$@"
`,
  );
  chmodSync(join(root, 'nft'), 0o755);
  jobs = await reopened();
  await jobs.networks.create('tiny', TINY);
});
afterEach(async () => {
  rmSync(join(root, 'nft-broken'), { force: true });
  await closeJobService(jobs);
  execFileSync('nft', ['flush', 'ruleset']);
  for (const device of ofNetworks()) {
    execFileSync('ip', ['link', 'delete', 'dev', device]);
  }
  rmSync(root, { recursive: true });
});

function reopened(): Promise<JobManager> {
  return openJobService(root, { networks: { nft: join(root, 'nft') } });
}

/** Of this network namespace, whoever made them. */
function ofNetworks(): string[] {
  const links = JSON.parse(execFileSync('ip', ['-j', 'link'], { encoding: 'utf8' })) as { ifname: string }[];
  const tables = execFileSync('nft', ['list', 'tables'], { encoding: 'utf8' }).split('\n').filter(Boolean);
  return [...links.map(({ ifname }) => ifname).filter((name) => /^j[bv]/.test(name)), ...tables];
}

function leases(): unknown[] {
  // As the helper holds the database alone, this reads a copy.
  const copy = join(root, 'copy.db');
  for (const suffix of ['', '-wal']) {
    cpSync(`${pathsUnder(root).database}${suffix}`, `${copy}${suffix}`);
  }
  using database = new DatabaseSync(copy);
  return database.prepare('SELECT uuid, address FROM address_lease').all();
}

/** The end is told before the network is gone. */
async function expectNothingHeld(): Promise<void> {
  await expect.poll(() => [...ofNetworks(), ...leases()], { timeout: 5000 }).toEqual([]);
  expect(jobs.networks.list().map((network) => network.jobs)).toEqual([0, 0, 0, 0, 0]);
}

/** Those of this machine that have an IPv4 address: jobs can't reach the others here. */
function hostResolvers(): string[] {
  const places = ['/etc/resolv.conf', '/run/systemd/resolve/resolv.conf'];
  const lines = places.filter(existsSync).flatMap((place) => readFileSync(place, 'utf8').split('\n'));
  const found = lines.flatMap((line) => /^nameserver\s+((?!127\.)\d+(?:\.\d+){3})$/.exec(line)?.[1] ?? []);
  return [...new Set(found)];
}

const isRunning = ({ status }: { status: JobStatus }) => status === JobStatus.RUNNING;
const isWaiting = ({ status }: { status: JobStatus }) => status === JobStatus.SCHEDULED;

describe('a job that waits for its next attempt', () => {
  it('holds nothing of its network, and nothing is left when it is canceled then', async () => {
    const { uuid } = await jobs.run(shell('exit 1', { network: 'tiny', retry: FAR }), 0);
    await untilState(jobs, uuid, isWaiting);
    await expectNothingHeld();
    const other = await jobs.run(shell('true', { network: 'tiny' }), 0);
    expect(await untilEnded(jobs, other.uuid)).toMatchObject({ status: JobStatus.COMPLETED });
    await expect(jobs.networks.remove('tiny')).rejects.toThrow('tiny: is used by 1 job that has not ended.');
    await jobs.cancel(uuid);
    await expectNothingHeld();
    await jobs.networks.remove('tiny');
  });

  it('holds nothing for the next helper either, when this one ended before it gave anything back', async () => {
    const { uuid } = await jobs.run(shell('sleep 0.5; exit 1', { network: 'tiny', retry: FAR }), 0);
    await untilState(jobs, uuid, isRunning);
    writeFileSync(join(root, 'nft-broken'), '');
    await untilState(jobs, uuid, isWaiting);
    await closeJobService(jobs);
    rmSync(join(root, 'nft-broken'));
    jobs = await reopened();
    await expectNothingHeld();
  });

  it('gets its network again for each attempt', async () => {
    const line = '[ "$(wc -l <tries 2>/dev/null || echo 0)" -ge 2 ] || { echo x >>tries; exit 1; }';
    const { uuid } = await jobs.run(shell(line, { network: 'tiny', retry: { attempts: 5 } }), 0);
    expect(await untilEnded(jobs, uuid)).toMatchObject({
      status: JobStatus.COMPLETED,
      attempts: { length: 2 },
    });
    await expectNothingHeld();
  });
});

describe('a network that a job needs later', () => {
  it('is not removed before that job has ended or is canceled', async () => {
    const later = { network: 'tiny', startAtUs: BigInt(Date.now() + 3_600_000) * 1000n };
    const { uuid } = await jobs.run(shell('true', later), 0);
    await expect(jobs.networks.remove('tiny')).rejects.toThrow('tiny: is used by 1 job that has not ended.');
    await jobs.cancel(uuid);
    await jobs.networks.remove('tiny');
    await expect(jobs.run(shell('true', later), 0)).rejects.toThrow('there is no such network');
  });
});

describe('a network that could not be taken away', () => {
  it('is by the next change, and its address is not given to another before', async () => {
    const { uuid } = await jobs.run(shell('sleep 60', { network: 'tiny' }), 0);
    await untilState(jobs, uuid, isRunning);
    writeFileSync(join(root, 'nft-broken'), '');
    await jobs.stop(uuid, 0n);
    await delay(200);
    expect(leases()).toHaveLength(1);
    rmSync(join(root, 'nft-broken'));
    const other = await jobs.run(shell('true', { network: 'bridge' }), 0);
    await untilEnded(jobs, other.uuid);
    await expectNothingHeld();
  });

  it('is by the next helper', async () => {
    const { uuid } = await jobs.run(shell('sleep 60', { network: 'tiny' }), 0);
    await untilState(jobs, uuid, isRunning);
    writeFileSync(join(root, 'nft-broken'), '');
    await jobs.stop(uuid, 0n);
    await closeJobService(jobs);
    jobs = await reopened(); // still broken
    expect(leases()).toHaveLength(1);
    rmSync(join(root, 'nft-broken'));
    const other = await jobs.run(shell('true', { network: 'bridge' }), 0);
    await untilEnded(jobs, other.uuid);
    await expectNothingHeld();
  });

  it('is tried again when the network is removed, whose error says what the matter is', async () => {
    const { uuid } = await jobs.run(shell('sleep 60', { network: 'tiny' }), 0);
    await untilState(jobs, uuid, isRunning);
    writeFileSync(join(root, 'nft-broken'), '');
    await jobs.stop(uuid, 0n);
    await untilEnded(jobs, uuid);
    const message = /remove tiny: what jobs that have ended had of it could not be taken away.*joblet doctor/;
    await expect(jobs.networks.remove('tiny')).rejects.toThrowError(message);
    rmSync(join(root, 'nft-broken'));
    await jobs.networks.remove('tiny');
    expect([...ofNetworks(), ...leases()]).toEqual([]);
  });
});

it('addresses are never given twice, and leases are kept, while jobs come and go on a small network', async () => {
  const { networks } = jobs;
  await networks.create('small', '10.97.1.0/29');
  const held = new Set<string>();
  const lane = async (index: number) => {
    for (let round = 0; round < 5; round += 1) {
      const uuid = `${index}0000000-0000-4000-8000-000000000000`;
      const attachment = await networks.attach(uuid, { ...PLAIN_SPEC, network: 'small' });
      const [address = ''] = networks.addressesOf(uuid);
      expect(held.has(address), `${address} twice`).toBe(false);
      held.add(address);
      expect(leases()).toContainEqual(expect.objectContaining({ uuid }));
      attachment?.[Symbol.dispose]();
      held.delete(address);
      void networks.release(uuid);
    }
  };
  await Promise.all([1, 2, 3].map(lane));
  await networks.close();
  expect(leases()).toEqual([]);
  await networks.remove('small');
});

describe('a machine that has lost its resolvers', () => {
  /** As addresses of the machine itself no job reaches them. */
  const loseResolvers = () => ip(hostResolvers().map((address) => `addr add ${address}/32 dev lo`));

  afterEach(() => ip(hostResolvers().map((address) => `addr del ${address}/32 dev lo`)));

  it('refuses new jobs, and keeps nothing of those that end', async () => {
    const { uuid } = await jobs.run(shell('sleep 60', { network: 'tiny', ports: ['8080:80'] }), 0);
    await untilState(jobs, uuid, isRunning);
    loseResolvers();
    await expect(jobs.run(shell('true', { network: 'bridge' }), 0)).rejects.toThrow('names only resolvers');
    await jobs.stop(uuid, 0n);
    await expectNothingHeld();
  });

  it('keeps nothing when the next helper finds it like that', async () => {
    const { uuid } = await jobs.run(shell('sleep 0.5; exit 1', { network: 'tiny', retry: FAR }), 0);
    await untilState(jobs, uuid, isRunning);
    writeFileSync(join(root, 'nft-broken'), '');
    await untilState(jobs, uuid, isWaiting);
    await closeJobService(jobs);
    rmSync(join(root, 'nft-broken'));
    loseResolvers();
    jobs = await reopened();
    await expectNothingHeld();
  });
});

describe('a machine without a packet filter', () => {
  it('keeps nothing of jobs that could not be started there', async () => {
    writeFileSync(join(root, 'nft-broken'), '');
    const { uuid } = await jobs.run(shell('true', { network: 'tiny' }), 0);
    expect(await untilEnded(jobs, uuid)).toMatchObject({
      status: JobStatus.FAILED,
      failure: { layer: 'network' },
    });
    await expectNothingHeld();
    await jobs.networks.remove('tiny');
  });
});

describe('a job whose network takes long to be made', () => {
  it('is stopped before its command runs, by a stop that waits for that', async () => {
    writeFileSync(join(root, 'nft-slow'), '');
    const { uuid } = await jobs.run(shell('true', { network: 'tiny' }), 0);
    const stopped = jobs.stop(uuid, 0n);
    await delay(1000);
    rmSync(join(root, 'nft-slow'));
    expect(await stopped).toMatchObject({ status: JobStatus.STOPPED, startedUs: 0n });
    await expectNothingHeld();
    expect(readFileSync(join(root, 'service.log'), 'utf8')).not.toContain('does not end its job');
  });
});
