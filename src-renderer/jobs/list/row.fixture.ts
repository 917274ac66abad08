import type { JobRow } from '../../../src-main/ipc/contract.ts';
import { JobTable } from './job-table.ts';

/** A job that was the `number`th to be made. */
export function row(number: number, rest: Partial<JobRow> = {}): JobRow {
  return {
    uuid: `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`,
    name: `job ${number}`,
    command: 'make',
    status: 'COMPLETED',
    createdUs: number,
    startedUs: number,
    endedUs: number + 1,
    dueUs: 0,
    labels: [],
    exitCode: 0,
    ...rest,
  };
}

/** As the main process tells of them: newest first. */
export function tableOf(rows: readonly JobRow[]): JobTable {
  const table = new JobTable();
  table.apply({ kind: 'begin' });
  table.apply({ kind: 'rows', rows: rows.toSorted((one, other) => other.createdUs - one.createdUs) });
  table.apply({ kind: 'complete' });
  return table;
}
