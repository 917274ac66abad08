import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JOB_STATUSES } from '../../../src-main/ipc/contract.ts';
import { FILTERS, JobTable, passes } from './job-table.ts';
import { row, tableOf } from './row.fixture.ts';

describe('JobTable', () => {
  it('changes a row and forgets one that was removed', () => {
    const table = tableOf([row(1), row(2)]);
    table.apply({ kind: 'changed', rows: [row(2, { status: 'FAILED' })] });
    table.apply({ kind: 'removed', uuids: [row(1).uuid] });
    expect(table.get(row(2).uuid)?.status).toBe('FAILED');
    expect(table.get(row(1).uuid)).toBeUndefined();
  });

  it('keeps what it knew until the list that is told anew is complete', () => {
    const table = tableOf([row(1), row(2)]);
    table.apply({ kind: 'begin' });
    table.apply({ kind: 'rows', rows: [row(2)] });
    expect(table.size).toBe(2);
    table.apply({ kind: 'complete' });
    expect(table.size).toBe(1);
    expect(table.get(row(1).uuid)).toBeUndefined();
  });

  it('says once what has changed', () => {
    const table = tableOf([row(1), row(2)]);
    table.takeChanged();
    table.apply({ kind: 'changed', rows: [row(2)] });
    expect([...table.takeChanged()].map((entry) => entry.row.uuid)).toEqual([row(2).uuid]);
    expect(table.takeChanged().size).toBe(0);
  });

  it('counts each job behind its filter, whatever happens to it', () => {
    const number = fc.integer({ min: 1, max: 8 });
    const happening = fc.record({ number, status: fc.option(fc.constantFrom(...JOB_STATUSES)) });
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 60 }), (happenings) => {
        const table = new JobTable();
        for (const { number, status } of happenings) {
          if (status === null) {
            table.apply({ kind: 'removed', uuids: [row(number).uuid] });
          } else {
            table.apply({ kind: 'changed', rows: [row(number, { status })] });
          }
        }
        const rows = [...table.entries()].map((entry) => entry.row);
        for (const filter of FILTERS) {
          const behind = rows.filter(({ status }) => passes(filter, status));
          expect(table.counts[filter]).toBe(behind.length);
        }
        expect(table.live.size).toBe(table.counts.live);
      }),
    );
  });
});
