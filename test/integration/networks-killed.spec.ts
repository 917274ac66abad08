/** The helper is killed at each step of `ip` and `nft` that a job's network takes: the next one leaves nothing of it, and nobody without. */
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseDocument } from 'yaml';
import { type Job, JobStatus } from '../../native-helper/api/gen/joblet_pb.js';
import { pathsUnder } from '../../native-helper/api/paths.ts';
import { hasEnded } from '../../native-helper/server/jobs/job-state.ts';
import { isInterruption } from '../../src-main/client/errors.ts';
import { HOST_ADDRESS, NetworkWorld } from '../fixtures/network-world.ts';
import { RunningHelper } from '../fixtures/running-helper.ts';

const PATIENCE_MS = 20_000;
const POLL_MS = 50;
const NOBODY = 1_000_000;

let world: NetworkWorld;
let helper: RunningHelper;

/** Counts its calls, and kills whoever calls it when it is the call's turn: before it has done anything, or after. */
const killer = (program: string) => `#!/bin/sh
cd "\${0%/*}"
call=$(($(cat calls) + 1))
echo $call >calls
read -r victim moment <turn
[ $call = $victim ] && [ $moment = before ] && { kill -9 $PPID; exit 1; }
/usr/sbin/${program} "$@"
code=$?
[ $call = $victim ] && kill -9 $PPID
exit $code
`;

beforeAll(async () => {
  world = await NetworkWorld.enter();
  helper = await RunningHelper.start();
  await helper.stop();
  const { serverConfig } = pathsUnder(helper.root);
  const config = parseDocument(readFileSync(serverConfig, 'utf8'));
  for (const program of ['ip', 'nft']) {
    const path = join(helper.root, program);
    writeFileSync(path, killer(program));
    chmodSync(path, 0o755);
    config.setIn(['networks', program], path);
  }
  config.setIn(['networks', 'resolvers'], [HOST_ADDRESS]);
  writeFileSync(serverConfig, String(config));
  arm(NOBODY, 'before');
  await helper.startAgain();
});
afterAll(async () => {
  await helper[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
});

function arm(call: number, moment: 'before' | 'after'): void {
  writeFileSync(join(helper.root, 'calls'), '0\n');
  writeFileSync(join(helper.root, 'turn'), `${call} ${moment}\n`);
}

const calls = () => Number(readFileSync(join(helper.root, 'calls'), 'utf8'));

function ofNetworks(): string[] {
  const links = JSON.parse(execFileSync('ip', ['-j', 'link'], { encoding: 'utf8' })) as { ifname: string }[];
  const tables = execFileSync('nft', ['list', 'tables'], { encoding: 'utf8' }).split('\n').filter(Boolean);
  return [...links.map(({ ifname }) => ifname).filter((name) => /^j[bv]/.test(name)), ...tables, ...leases()];
}

function leases(): string[] {
  // As the helper holds the database alone, this reads a copy.
  const copy = join(helper.root, 'copy.db');
  for (const suffix of ['', '-wal']) {
    cpSync(`${pathsUnder(helper.root).database}${suffix}`, `${copy}${suffix}`);
  }
  try {
    using database = new DatabaseSync(copy);
    return database
      .prepare('SELECT uuid FROM address_lease')
      .all()
      .map(({ uuid }) => `lease of ${uuid}`);
  } finally {
    rmSync(copy);
  }
}

async function submit(): Promise<void> {
  const client = await helper.connect();
  try {
    const network = { network: 'bridge', ports: ['127.0.0.1:20080:80'] };
    await client.jobs.runJob({ spec: { command: 'true', ...network } });
  } catch (error) {
    await wasKilled(error);
  } finally {
    client.close();
  }
}

/** @throws the error when it has another reason. */
async function wasKilled(error: unknown): Promise<void> {
  if (!isInterruption(error)) {
    throw error;
  }
  await expect.poll(() => helper.hasEnded).toBe(true);
}

/** Its newest job as it ended; undefined: the helper was killed before. */
async function ended(): Promise<Job | undefined> {
  for (;;) {
    await delay(POLL_MS);
    try {
      const client = await helper.connect();
      try {
        const { jobs } = await client.jobs.listJobs({ pageSize: 1 });
        if (jobs[0] !== undefined && hasEnded(jobs[0].status)) {
          return jobs[0];
        }
      } finally {
        client.close();
      }
    } catch (error) {
      await wasKilled(error);
      return undefined;
    }
  }
}

/** @returns whether a helper was killed. */
async function lifeOfJob(call: number, moment: 'before' | 'after'): Promise<boolean> {
  arm(call, moment);
  await submit();
  await ended();
  // Of a job that has ended the network is taken away afterwards.
  await expect.poll(() => helper.hasEnded || ofNetworks().length === 0, { timeout: PATIENCE_MS }).toBe(true);
  return helper.hasEnded;
}

describe('a helper that is killed at any step', () => {
  it('leaves nothing of the network to the next, where the next job has it again', {
    timeout: 240_000,
  }, async () => {
    let call = 1;
    while (await lifeOfJob(call, 'before')) {
      await expectNothingLeft(`killed before call ${call}`);
      call += 1;
    }
    // The last has lived a whole life.
    expect(await ended()).toMatchObject({ status: JobStatus.COMPLETED });
    expect(calls()).toBe(call - 1);
    expect(call).toBeGreaterThan(6);
    expect(await lifeOfJob(call - 1, 'after')).toBe(true);
    await expectNothingLeft('killed after the last call');
  });
});

async function expectNothingLeft(moment: string): Promise<void> {
  arm(NOBODY, 'before');
  await helper.startAgain();
  expect(await ended(), moment).toBeDefined();
  await expect.poll(ofNetworks, { timeout: PATIENCE_MS, message: moment }).toEqual([]);
}
