import { cpus } from 'node:os';
import { describe, expect, it } from 'vitest';
import { STREAMS } from '../ipc/contract.ts';
import { streamMachine } from './machine.ts';
import { Observable } from './observable.ts';

describe('streamMachine', () => {
  const options = { root: '/nowhere/at/all', countRunning: () => 3, isSeen: new Observable(true) };

  it('tells of this machine, of a disk on which nothing lies yet too', async () => {
    const abort = new AbortController();
    for await (const machine of streamMachine(options, abort.signal)) {
      expect(STREAMS.machine.item.parse(machine)).toEqual(machine);
      expect(machine).toMatchObject({ jobsRunning: 3, disk: { path: '/' } });
      expect(machine.cores).toHaveLength(cpus().length);
      expect(machine.disk.totalBytes).toBeGreaterThan(machine.disk.freeBytes);
      abort.abort();
    }
  });

  it('measures nothing for nobody, and goes on when somebody looks', async () => {
    const isSeen = new Observable(true);
    const abort = new AbortController();
    const items = streamMachine({ ...options, isSeen }, abort.signal);
    await items.next();
    isSeen.set(false);
    const second = items.next();
    const patience = new Promise((resolve) => setTimeout(resolve, 1500, 'nothing'));
    expect(await Promise.race([second, patience])).toBe('nothing');
    isSeen.set(true);
    expect((await second).done).toBe(false);
    isSeen.set(false);
    const third = items.next();
    abort.abort();
    expect((await third).done).toBe(true);
  });
});
