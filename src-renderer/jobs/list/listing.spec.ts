import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JOB_STATUSES, type JobRow } from '../../../src-main/ipc/contract.ts';
import { FILTERS, JobTable } from './job-table.ts';
import { COLUMNS, Listing, NEWEST_FIRST, type Now, type View } from './listing.ts';
import { row, tableOf } from './row.fixture.ts';

const ALL: View = { filter: 'all', search: '', sort: NEWEST_FIRST };
const NOW: Now = { timeUs: 1000, cpuPercent: () => 0, memoryBytes: () => 0 };

function shown(table: JobTable, view: View = ALL, now: Now = NOW): JobRow[] {
  const listing = new Listing(table);
  listing.show(view, now);
  return listing.rows(0, listing.size);
}

const numbersOf = (rows: readonly JobRow[]) => rows.map(({ createdUs }) => createdUs);

describe('Listing', () => {
  it('shows the newest first, a new one above all', () => {
    const table = tableOf([row(1), row(3), row(2)]);
    const listing = new Listing(table);
    listing.show(ALL, NOW);
    table.apply({ kind: 'changed', rows: [row(4)] });
    listing.show(ALL, NOW);
    expect(numbersOf(listing.rows(0, 9))).toEqual([4, 3, 2, 1]);
    expect(listing.indexOf(row(3).uuid)).toBe(1);
  });

  it('finds words in name, command and the beginning of the id', () => {
    const table = tableOf([row(1, { name: 'Build' }), row(2, { command: 'cargo build' }), row(3)]);
    const listing = new Listing(table);
    const find = (search: string) => {
      listing.show({ ...ALL, search }, NOW);
      return numbersOf(listing.rows(0, 9));
    };
    expect(find(' BUILD ')).toEqual([2, 1]);
    expect(find(row(3).uuid)).toEqual([3]);
    expect(find('nothing of this')).toEqual([]);
    expect(listing.indexOf(row(1).uuid)).toBe(-1);
  });

  it('sorts names by the numbers in them', () => {
    const names = ['a', 'job-2', 'Job-10', 'job-010b', 'job-100', 'job-a', '2', '10', '', 'job-0'];
    const table = tableOf(names.map((name, index) => row(index + 1, { name })));
    const byName = shown(table, { ...ALL, sort: { column: 'name', descending: false } });
    expect(byName.map(({ name }) => name)).toEqual([
      ...['', '2', '10', 'a', 'job-0', 'job-2', 'Job-10', 'job-010b', 'job-100', 'job-a'],
    ]);
  });

  it('finds a job by the name that it has now', () => {
    const table = tableOf([row(1)]);
    const listing = new Listing(table);
    listing.show({ ...ALL, search: 'job' }, NOW);
    table.apply({ kind: 'changed', rows: [row(1, { name: 'other' })] });
    listing.show({ ...ALL, search: 'job' }, NOW);
    expect(listing.size).toBe(0);
  });

  it('moves a running job to where its use of the processor belongs now', () => {
    const table = tableOf([row(1, { status: 'RUNNING' }), row(2, { status: 'RUNNING' }), row(3)]);
    const listing = new Listing(table);
    const busy = (number: number): Now => ({
      ...NOW,
      cpuPercent: (uuid) => Number(uuid === row(number).uuid),
    });
    const view: View = { ...ALL, sort: { column: 'cpu', descending: true } };
    listing.show(view, busy(1));
    expect(numbersOf(listing.rows(0, 9))).toEqual([1, 2, 3]);
    listing.show(view, busy(2));
    expect(numbersOf(listing.rows(0, 9))).toEqual([2, 1, 3]);
  });

  it.each(['cpu', 'memory'] as const)(
    'puts a job that has ended below those that run, whatever it used last, by %s',
    (column) => {
      const table = tableOf([row(1, { status: 'RUNNING' }), row(2, { status: 'RUNNING' })]);
      const listing = new Listing(table);
      const used = (uuid: string) => (uuid === row(1).uuid ? 95 : 3);
      const now: Now = { ...NOW, cpuPercent: used, memoryBytes: used };
      const view: View = { ...ALL, sort: { column, descending: true } };
      listing.show(view, now);
      expect(numbersOf(listing.rows(0, 9))).toEqual([1, 2]);
      table.apply({ kind: 'changed', rows: [row(1, { status: 'COMPLETED' })] });
      listing.show(view, now);
      expect(numbersOf(listing.rows(0, 9))).toEqual([2, 1]);
    },
  );

  it('shows after any changes what it would show if it had seen nothing before', () => {
    const number = fc.integer({ min: 1, max: 12 });
    const change = fc.record({
      number,
      status: fc.option(fc.constantFrom(...JOB_STATUSES)),
      name: fc.constantFrom('a', 'B', 'ab'),
      endedUs: fc.integer({ min: 0, max: 20 }),
    });
    const view = fc.record({
      filter: fc.constantFrom(...FILTERS),
      search: fc.constantFrom('', 'b', 'A'),
      sort: fc.record({ column: fc.constantFrom(...COLUMNS), descending: fc.boolean() }),
    });
    // Most views are looked at for more than one step.
    const step = fc.record({
      changes: fc.array(change, { maxLength: 6 }),
      view: fc.option(view, { freq: 2 }),
    });
    const steps = fc.array(step, { maxLength: 8 });
    fc.assert(
      fc.property(steps, (list) => {
        const table = new JobTable();
        const listing = new Listing(table);
        const known = new Map<number, JobRow>();
        let view = ALL;
        for (const [step, { changes, view: chosen }] of list.entries()) {
          view = chosen ?? view;
          for (const { number, status, ...rest } of changes) {
            if (status === null) {
              table.apply({ kind: 'removed', uuids: [row(number).uuid] });
              known.delete(number);
            } else {
              known.set(number, row(number, { status, ...rest }));
              table.apply({ kind: 'changed', rows: [row(number, { status, ...rest })] });
            }
          }
          const now = {
            ...NOW,
            timeUs: 30 + step,
            cpuPercent: (uuid: string) => (Number(uuid.at(-1)) + step) % 3,
          };
          listing.show(view, now);
          expect(listing.rows(0, 99)).toEqual(shown(tableOf([...known.values()]), view, now));
        }
      }),
      {
        numRuns: 1000,
        examples: [
          [
            [
              {
                changes: [
                  { number: 1, status: 'CANCELED', name: 'a', endedUs: 0 },
                  { number: 2, status: 'INITIALIZING', name: 'a', endedUs: 0 },
                ],
                view: { filter: 'all', search: '', sort: { column: 'duration', descending: true } },
              },
              { changes: [], view: null },
            ],
          ],
        ],
      },
    );
  });

  it('takes 50 changes among 100,000 rows far sooner than it sorts them', () => {
    const table = tableOf(
      Array.from({ length: 100_000 }, (_, index) =>
        row(index + 1, { uuid: randomUUID(), name: randomUUID() }),
      ),
    );
    const listing = new Listing(table);
    const view: View = { ...ALL, sort: { column: 'name', descending: false } };
    const sorted = timeOf(() => listing.show(view, NOW));
    const changed = Array.from({ length: 20 }, (_, step) => {
      const rows = listing.rows(5000 * step, 5000 * step + 50);
      table.apply({ kind: 'changed', rows: rows.map((each) => ({ ...each, status: 'FAILED' })) });
      return timeOf(() => listing.show(view, NOW));
    });
    expect(Math.min(...changed)).toBeLessThan(sorted / 20);
  });
});

function timeOf(work: () => void): number {
  const start = performance.now();
  work();
  return performance.now() - start;
}
