/** Another program removes the packet filter while jobs run, as the reload of a firewall does. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Service, shell, temporaryService, untilEnded, untilOutput } from '../fixtures/job-service.ts';
import { HOST_ADDRESS, NetworkWorld } from '../fixtures/network-world.ts';

const PATIENCE = { timeout: 5000 };

let world: NetworkWorld;
let service: Service;

beforeAll(async () => {
  world = await NetworkWorld.enter();
  await world.serve('host', 8001, 'host');
});
afterAll(() => world[Symbol.asyncDispose]());
beforeEach(async () => {
  await using stack = new AsyncDisposableStack();
  service = stack.use(await temporaryService());
  const kept = stack.move();
  return () => kept.disposeAsync();
});

function nft(...words: string[]): string {
  return execFileSync('nft', words, { encoding: 'utf8' });
}

function tables(): string[] {
  return nft('list', 'tables').split('\n').filter(Boolean).sort();
}

/** Asks the host again and again, and says when it has answered. */
async function nosyJob(): Promise<string> {
  const ask = `exec 3<>/dev/tcp/${HOST_ADDRESS}/8001 && cat <&3`;
  const line = `echo ready; while :; do bash -c "${ask}" 2>/dev/null || echo refused; sleep 0.05; done`;
  const { uuid } = await service.jobs.run(shell(line, { network: 'bridge' }), 0);
  await untilOutput(service.jobs, uuid, 'refused');
  return uuid;
}

/** How often it was noticed, by the helper's log. */
function timesNoticed(): number {
  const log = readFileSync(join(service.root, 'service.log'), 'utf8');
  return log.split('another program has removed the packet filter').length - 1;
}

describe('the packet filter of jobs', () => {
  it.each([
    ['all of it', 'flush ruleset'],
    ['one table', 'delete table inet NAME'],
    ['the table of the bridges', 'delete table bridge NAME'],
    ['the count of connections', 'delete table inet NAME-limits'],
  ])('is made again when another program removes %s', async (_, command) => {
    const uuid = await nosyJob();
    const before = tables();
    expect(before).toHaveLength(3);
    const name = before.find((table) => table.startsWith('table bridge'))?.split(' ')[2] ?? '';
    nft(...command.replace('NAME', name).split(' '));
    expect(tables()).not.toEqual(before);
    await expect.poll(tables, PATIENCE).toEqual(before);
    await expect.poll(() => nft('list', 'ruleset').includes('@owners'), PATIENCE).toBe(true);
    await service.jobs.stop(uuid, 0n);
    await expect.poll(tables, PATIENCE).toEqual([]);
  });

  it('is made again each time', async () => {
    const uuid = await nosyJob();
    const before = tables();
    for (let round = 1; round <= 3; round += 1) {
      nft('flush', 'ruleset');
      await expect.poll(timesNoticed, PATIENCE).toBe(round);
      await expect.poll(tables, PATIENCE).toEqual(before);
    }
    await service.jobs.stop(uuid, 0n);
  });

  it('is not made again for changes of our own, or of the tables of others', async () => {
    const first = await nosyJob();
    for (let round = 0; round < 5; round += 1) {
      const { uuid } = await service.jobs.run(shell('true', { network: 'isolated' }), 0);
      await untilEnded(service.jobs, uuid);
      nft('add', 'table', 'inet', 'other');
      nft('delete', 'table', 'inet', 'other');
    }
    await service.jobs.stop(first, 0n);
    await expect.poll(tables, PATIENCE).toEqual([]);
    await delay(300);
    expect(timesNoticed()).toBe(0);
  });
});
