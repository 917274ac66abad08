import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CommitQueue } from './commit-queue.ts';
import { openDatabase } from './database.ts';

let folder: string;
let database: DatabaseSync;
let queue: CommitQueue;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'joblet-commit-'));
  database = openDatabase(join(folder, 'state.db'));
  database.exec('CREATE TABLE probe (x INTEGER UNIQUE)');
  queue = new CommitQueue(database, join(folder, 'state.db'));
});
afterEach(async () => {
  await queue.close();
  database.close();
  rmSync(folder, { recursive: true });
});

function insert(x: number): () => void {
  return () => void database.prepare('INSERT INTO probe VALUES (?)').run(x);
}

function probes(): number[] {
  return database
    .prepare('SELECT x FROM probe ORDER BY x')
    .all()
    .map((row) => Number(row.x));
}

describe('CommitQueue', () => {
  it('has committed when it resolves, in the order of asking', async () => {
    const order: number[] = [];
    await Promise.all([1, 2, 3].map((x) => queue.commit(insert(x), 'durable').then(() => order.push(x))));
    expect(order).toEqual([1, 2, 3]);
    expect(database.isTransaction).toBe(false);
    expect(probes()).toEqual([1, 2, 3]);
  });

  it('lets changes of one turn share one transaction', async () => {
    const seen: boolean[] = [];
    const look = () => void seen.push(database.isTransaction);
    await Promise.all([queue.commit(look, 'durable'), queue.commit(look, 'recoverable')]);
    expect(seen).toEqual([true, true]);
  });

  it('does not wait for the disk with what a helper finds out again', async () => {
    const order: string[] = [];
    const committed = (['durable', 'recoverable'] as const).map((durability, x) =>
      queue.commit(insert(x), durability).then(() => order.push(durability)),
    );
    await Promise.all(committed);
    expect(order).toEqual(['recoverable', 'durable']);
  });

  it('says that a change can be read in the turn in which it can, before the disk has it, and not of one that is refused', async () => {
    const told: string[] = [];
    const good = queue.commit(insert(1), 'durable', () => told.push(`read ${probes()}`));
    const bad = queue.commit(insert(1), 'durable', () => told.push('refused'));
    await Promise.allSettled([good.then(() => told.push('on the disk')), bad]);
    expect(told).toEqual(['read 1', 'on the disk']);
  });

  it('keeps the good changes when one is bad', async () => {
    await queue.commit(insert(2), 'durable');
    const results = await Promise.allSettled([1, 2, 3].map((x) => queue.commit(insert(x), 'durable')));
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(probes()).toEqual([1, 2, 3]);
  });

  it('refuses on a full disk, leaves nothing, and goes on when there is room', async () => {
    database.exec('CREATE TABLE large (bytes BLOB)');
    const size = Number(Object.values(database.prepare('PRAGMA page_count').get() ?? {})[0]);
    // SQLite answers with the same SQLITE_FULL that a full file system gives.
    database.exec(`PRAGMA max_page_count = ${size}`);
    const fill = () => void database.prepare('INSERT INTO large VALUES (zeroblob(1000000))').run();
    await expect(queue.commit(fill, 'durable')).rejects.toMatchObject({
      kind: 'exhausted',
      details: { layer: 'state', operation: 'commit', mend: 'Free space on the disk, then try again.' },
    });
    expect(database.isTransaction).toBe(false);
    database.exec('PRAGMA max_page_count = 1000000');
    await queue.commit(fill, 'durable');
    expect(database.prepare('SELECT count(*) AS rows FROM large').get()).toEqual({ rows: 1 });
  });

  it('commits what waits when it is closed, before it has closed', async () => {
    let isDurable = false;
    void queue.commit(insert(1), 'durable').then(() => {
      isDurable = true;
    });
    const closing = queue.close();
    expect(probes()).toEqual([1]);
    await closing;
    expect(isDurable).toBe(true);
    queue = new CommitQueue(database, join(folder, 'state.db'));
  });
});
