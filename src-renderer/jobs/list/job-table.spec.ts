import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JOB_STATUSES, type JobRow } from '../../../src-main/ipc/contract.ts';
import {
  COLUMNS,
  type Column,
  durationOf,
  FILTERS,
  JobTable,
  NEWEST_FIRST,
  type Now,
  type View,
} from './job-table.ts';

const ALL: View = { filter: 'all', search: '', sort: NEWEST_FIRST };
const NOW: Now = { timeUs: 1000, cpuPercent: () => 0, memoryBytes: () => 0 };

function row(number: number, rest: Partial<JobRow> = {}): JobRow {
  return {
    uuid: `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`,
    name: `job ${number}`,
    command: 'make',
    status: 'COMPLETED',
    createdUs: number,
    startedUs: number,
    endedUs: number + 1,
    exitCode: 0,
    ...rest,
  };
}

function tableOf(rows: readonly JobRow[]): JobTable {
  const table = new JobTable();
  table.apply({ kind: 'begin' });
  table.apply({ kind: 'rows', rows: rows.toSorted((one, other) => other.createdUs - one.createdUs) });
  table.apply({ kind: 'complete' });
  return table;
}

const numbersOf = (rows: readonly JobRow[]) => rows.map(({ createdUs }) => createdUs);

describe('JobTable', () => {
  it('shows the newest first, a new one above all', () => {
    const table = tableOf([row(1), row(3), row(2)]);
    table.apply({ kind: 'changed', rows: [row(4)] });
    expect(numbersOf(table.rows(ALL, NOW))).toEqual([4, 3, 2, 1]);
  });

  it('changes a row where it stands, and takes out what was removed', () => {
    const table = tableOf([row(1), row(2), row(3)]);
    table.apply({ kind: 'changed', rows: [row(2, { status: 'FAILED' })] });
    table.apply({ kind: 'removed', uuids: [row(1).uuid] });
    table.apply({ kind: 'changed', rows: [row(3, { status: 'LOST' })] });
    expect(table.rows(ALL, NOW).map(({ status }) => status)).toEqual(['LOST', 'FAILED']);
    expect(table.get(row(1).uuid)).toBeUndefined();
  });

  it('keeps what it knew until the list that is told anew is complete', () => {
    const table = tableOf([row(1), row(2)]);
    table.apply({ kind: 'begin' });
    expect(table.size).toBe(2);
    table.apply({ kind: 'rows', rows: [row(2)] });
    expect(table.size).toBe(2);
    table.apply({ kind: 'complete' });
    expect(numbersOf(table.rows(ALL, NOW))).toEqual([2]);
  });

  it('finds words in name, command and the beginning of the id', () => {
    const table = tableOf([row(1, { name: 'Build' }), row(2, { command: 'cargo build' }), row(3)]);
    const find = (search: string) => numbersOf(table.rows({ ...ALL, search }, NOW));
    expect(find(' BUILD ')).toEqual([2, 1]);
    expect(find(row(3).uuid)).toEqual([3]);
    expect(find('nothing of this')).toEqual([]);
  });

  it('counts each job behind one filter, and shows as many', () => {
    const statuses = fc.array(fc.constantFrom(...JOB_STATUSES), { maxLength: 50 });
    fc.assert(
      fc.property(statuses, (list) => {
        const table = tableOf(list.map((status, index) => row(index + 1, { status })));
        const counts = table.counts();
        expect(counts.live + counts.completed + counts.failed + counts.stopped).toBe(counts.all);
        for (const filter of FILTERS) {
          expect(table.rows({ ...ALL, filter }, NOW)).toHaveLength(counts[filter]);
        }
      }),
    );
  });

  it('sorts by each column, both ways, and loses none', () => {
    const column = fc.constantFrom<Column>(...COLUMNS);
    const rows = fc.uniqueArray(fc.integer({ min: 1, max: 999 }), { maxLength: 60 });
    fc.assert(
      fc.property(rows, column, fc.boolean(), (numbers, sorted, descending) => {
        const all = numbers.map((number) => row(number, { endedUs: (number * 7) % 13 }));
        const shown = tableOf(all).rows({ ...ALL, sort: { column: sorted, descending } }, NOW);
        expect(new Set(numbersOf(shown))).toEqual(new Set(numbers));
        if (sorted === 'duration') {
          const durations = shown.map((each) => durationOf(each, NOW.timeUs));
          const wanted = durations.toSorted((one, other) => (descending ? other - one : one - other));
          expect(durations).toEqual(wanted);
        }
      }),
    );
  });

  it('takes 50 changes among 100,000 rows, and shows them, within a frame or two', () => {
    const table = tableOf(
      Array.from({ length: 100_000 }, (_, index) => row(index + 1, { uuid: randomUUID() })),
    );
    const changed = table
      .rows(ALL, NOW)
      .slice(0, 50)
      .map((each) => ({ ...each, status: 'FAILED' as const }));
    const start = performance.now();
    table.apply({ kind: 'changed', rows: changed });
    const shown = table.rows({ ...ALL, filter: 'failed' }, NOW);
    const took = performance.now() - start;
    expect(shown).toHaveLength(50);
    expect(took).toBeLessThan(100);
  });
});
