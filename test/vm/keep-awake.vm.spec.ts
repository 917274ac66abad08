/** The lock that keeps the machine from going to sleep, at the real systemd-logind: no other answer says what it does. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Client } from '../../src-main/client/index.ts';
import { RunningHelper } from '../fixtures/running-helper.ts';
import { startSystemBus, until } from './desktop.ts';

const PATIENCE_MS = 120_000;
const LOGIND = '/usr/lib/systemd/systemd-logind';

const daemons: ChildProcess[] = [];
let helper: RunningHelper;
let client: Client;

beforeAll(async () => {
  mkdirSync('/run/systemd', { recursive: true });
  daemons.push(await startSystemBus());
  daemons.push(spawn(LOGIND, [], { stdio: ['ignore', 'ignore', 'inherit'], cwd: '/' }));
  await until(() => locks() !== undefined);
  helper = await RunningHelper.start();
  client = await helper.connect();
}, PATIENCE_MS);

afterAll(async () => {
  client?.close();
  await helper?.[Symbol.asyncDispose]();
  for (const each of daemons) {
    each.kill('SIGKILL');
  }
}, PATIENCE_MS);

/** What logind lists of us; undefined: it does not answer yet. */
function locks(): string[] | undefined {
  try {
    const list = execFileSync('systemd-inhibit', ['--list', '--no-pager', '--no-legend'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return list.split('\n').filter((line) => line.startsWith('Joblet'));
  } catch {
    return undefined;
  }
}

const held = () => until(() => locks()?.length === 1);
const free = () => until(() => locks()?.length === 0);

describe('the machine', () => {
  it('does not go to sleep while a job runs, and may while it is paused or none runs', async () => {
    const { checks } = await client.helper.doctor({});
    expect(checks).toContainEqual(
      expect.objectContaining({ name: 'staying awake while jobs run', available: true }),
    );
    expect(locks()).toEqual([]);
    const { uuid: id } = await client.jobs.runJob({ spec: { command: 'sleep', args: ['600'] } });
    await held();
    expect(locks()?.[0]).toMatch(/sleep +Jobs are running +block/);
    await client.jobs.pauseJob({ id });
    await free();
    await client.jobs.resumeJob({ id });
    await held();
    await client.jobs.stopJob({ id, graceMs: 0n });
    await free();
  });

  it('may when the helper has died, and may not when the next one has come', async () => {
    const { uuid: id } = await client.jobs.runJob({ spec: { command: 'sleep', args: ['600'] } });
    await held();
    client.close();
    await helper.kill();
    await free();
    await helper.startAgain();
    await held();
    client = await helper.connect();
    await client.jobs.stopJob({ id, graceMs: 0n });
    await free();
  });
});
