/** The table of jobs: every job, ended or not. Nothing of an ended job is held in memory. */
import { randomUUID } from 'node:crypto';
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { create, toBinary } from '@bufbuild/protobuf';
import {
  type Attempt,
  AttemptSchema,
  type Denial,
  DenialsSchema,
  type Failure,
  FailureSchema,
  type JobSpec,
  JobSpecSchema,
  JobStatus,
  type LogState,
  LogStateSchema,
  type Usage,
  UsageSchema,
} from '../../api/gen/joblet_pb.js';
import * as z from '../../api/schema.ts';
import { stateError } from './database.ts';
import { attemptOfRow, damageOf, JOB_COLUMNS, jobOfRow } from './job-row.ts';

/** One job. Times are µs since the epoch, 0 = not yet. */
export interface JobRecord {
  /** Lower-case. */
  readonly uuid: string;
  readonly status: JobStatus;
  readonly ownerUid: number;
  readonly createdUs: number;
  readonly startedUs: number;
  readonly endedUs: number;
  /** When it is started next, while it is SCHEDULED; 0 = not known before its files are there. */
  readonly dueUs: number;
  readonly exitCode: number | null;
  readonly signal: number | null;
  readonly failure: Failure | null;
  readonly usage: Usage | null;
  /** Empty: none that is known. */
  readonly denials: readonly Denial[];
  /** Null: its log is as usual, as far as is known. */
  readonly logState: LogState | null;
  /** The values of its secret environment are `***`; they are never stored. */
  readonly spec: JobSpec;
}

/** One job as it is stored. */
export interface StoredJob extends JobRecord {
  /** Grows with each new job: the order of lists. */
  readonly sequence: number;
  /** Why not all of it can be read; null = it can. */
  readonly damage: Failure | null;
}

export type NewJob = Pick<JobRecord, 'uuid' | 'status' | 'ownerUid' | 'createdUs' | 'spec'>;

/** A job whose time to start has not come. */
export interface DueJob {
  readonly uuid: string;
  readonly dueUs: number;
}

/** Where a job stands in the order of their ends; jobs that ended in the same µs are in that of their beginning. */
export interface EndPlace {
  readonly endedUs: number;
  readonly sequence: number;
}

export interface EndedJob extends EndPlace {
  readonly uuid: string;
}

/** What changes with a state; a field that is absent stays as it is. */
export type JobChange = Pick<JobRecord, 'status'> &
  Partial<
    Pick<
      JobRecord,
      'startedUs' | 'endedUs' | 'exitCode' | 'signal' | 'failure' | 'usage' | 'denials' | 'logState'
    >
  >;

/** Every condition must hold; an absent or empty one always does. */
export interface JobFilter {
  readonly statuses: readonly JobStatus[];
  readonly nameContains: string;
  /** Looked for in the first 4096 characters of command and arguments. */
  readonly commandContains: string;
  readonly uuidPrefix: string;
  /** Each must be there, with that value if one is given. */
  readonly labels: readonly LabelFilter[];
}

export interface LabelFilter {
  readonly key: string;
  readonly value: string | undefined;
}

/** Where a page begins and where it ends: at the first of its two bounds, but never before one job. */
export interface JobPage {
  /** Only jobs older than this sequence. */
  readonly before: number;
  readonly jobs: number;
  /** Of all their specifications together. */
  readonly bytes: number;
}

const SEARCHED_COMMAND_LENGTH = 4096;
/** As GLOB of SQLite writes it: 8-4-4-4-12 hexadecimal digits. */
const UUID_GLOB = [8, 4, 4, 4, 12].map((digits) => '[0-9a-f]'.repeat(digits)).join('-');
const LARGEST_TIME = Number.MAX_SAFE_INTEGER;

const count = z.int().check(z.minimum(0));

const statusRowSchema = z.strictObject({ status: z.enum(JobStatus) });
const uuidRowSchema = z.strictObject({ uuid: z.guid() });
const countRowSchema = z.strictObject({ jobs: count });
const dueRowSchema = z.pipe(
  z.strictObject({ uuid: z.guid(), due_us: count }),
  z.transform(({ uuid, due_us }): DueJob => ({ uuid, dueUs: due_us })),
);
const endedRowSchema = z.pipe(
  z.strictObject({ uuid: z.guid(), ended_us: count, sequence: count }),
  z.transform(({ uuid, ended_us, sequence }): EndedJob => ({ uuid, endedUs: ended_us, sequence })),
);

export class JobStore {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /**
   * Gives rows that could not be found by any query an id and a state, so that they are shown and can be deleted. Once, before anything
   * is read, inside a commit: while a helper has the database open nobody else can damage it.
   *
   * @returns the ids that they have now.
   */
  mend(): string[] {
    const states = Object.values(JobStatus).filter((each) => typeof each === 'number');
    const damaged = z.array(z.strictObject({ sequence: z.int(), uuid: z.string(), has_id: z.int() })).parse(
      this.#prepare(
        `SELECT sequence, uuid, uuid GLOB :id AS has_id FROM job
         WHERE uuid NOT GLOB :id OR status NOT IN (SELECT value FROM json_each(:states))`,
      ).all({ id: UUID_GLOB, states: JSON.stringify(states) }),
    );
    return damaged.map(({ sequence, uuid: before, has_id }) => {
      const uuid = has_id === 1 ? before : randomUUID();
      const reason = has_id === 1 ? 'none that this helper knows' : `no UUID, but ${JSON.stringify(before)}`;
      const damage = damageOf(has_id === 1 ? 'status' : 'uuid', uuid, reason);
      this.#prepare('DELETE FROM job_caller WHERE job = ?').run(before);
      this.#prepare(
        `UPDATE job SET uuid = ?, status = ${JobStatus.LOST}, failure = ? WHERE sequence = ?`,
      ).run(uuid, toBinary(FailureSchema, damage), sequence);
      return uuid;
    });
  }

  /** Call it inside a commit. */
  insert(job: NewJob): void {
    const { spec } = job;
    const { lastInsertRowid } = this.#prepare(
      `INSERT INTO job (uuid, status, owner_uid, name, command_line, created_us, started_us, ended_us, due_us, spec)
       VALUES (?, ?, ?, ?, ?, ?, 0, 0, ?, ?)`,
    ).run(
      job.uuid,
      job.status,
      job.ownerUid,
      spec.name,
      [spec.command, ...spec.args].join(' ').slice(0, SEARCHED_COMMAND_LENGTH),
      job.createdUs,
      firstDueUs(job),
      toBinary(JobSpecSchema, spec),
    );
    for (const [key, value] of Object.entries(spec.labels)) {
      this.#prepare('INSERT INTO job_label (key, sequence, value) VALUES (?, ?, ?)').run(
        key,
        lastInsertRowid,
        value,
      );
    }
    for (const { name } of spec.volumes) {
      this.#prepare('INSERT INTO job_volume (name, sequence) VALUES (?, ?)').run(name, lastInsertRowid);
    }
  }

  /**
   * Changes a job that is in one of the states `from`. Call it inside a commit.
   *
   * @returns false when there is no such job, or it is in another state: then nothing was changed.
   */
  update(uuid: string, from: readonly JobStatus[], change: JobChange): boolean {
    const { failure, usage, denials, logState } = change;
    const result = this.#prepare(
      `UPDATE job SET status = :status,
         started_us = coalesce(:startedUs, started_us), ended_us = coalesce(:endedUs, ended_us),
         exit_code = coalesce(:exitCode, exit_code), signal = coalesce(:signal, signal),
         failure = coalesce(:failure, failure), usage = coalesce(:usage, usage),
         denials = coalesce(:denials, denials), log_state = coalesce(:logState, log_state)
       WHERE uuid = :uuid AND status IN (SELECT value FROM json_each(:from))`,
    ).run({
      uuid,
      from: JSON.stringify(from),
      status: change.status,
      startedUs: change.startedUs ?? null,
      endedUs: change.endedUs ?? null,
      exitCode: change.exitCode ?? null,
      signal: change.signal ?? null,
      failure: failure ? toBinary(FailureSchema, failure) : null,
      usage: usage ? toBinary(UsageSchema, usage) : null,
      denials: denials ? binaryOf(denials) : null,
      logState: logState ? toBinary(LogStateSchema, logState) : null,
    });
    return result.changes === 1;
  }

  /** Changes the denials of a job that has not ended; of one that has, all is known. Call it inside a commit. */
  changeDenials(uuid: string, change: (known: readonly Denial[]) => readonly Denial[]): void {
    const job = this.get(uuid);
    if (job === undefined || job.endedUs !== 0) {
      return;
    }
    this.#prepare('UPDATE job SET denials = ? WHERE uuid = ?').run(binaryOf(change(job.denials)), uuid);
  }

  /** Of a job that has not ended; of one that has, all is known. Call it inside a commit. */
  changeLogState(uuid: string, state: LogState): void {
    this.#prepare('UPDATE job SET log_state = ? WHERE uuid = ? AND ended_us = 0').run(
      toBinary(LogStateSchema, state),
      uuid,
    );
  }

  /**
   * Lets a job in one of the states `from` wait for its next attempt, as if it had not been started yet, and keeps what became of
   * this one. Call it inside a commit.
   *
   * @returns false when there is no such job, or it is in another state: then nothing was changed.
   */
  scheduleAgain(uuid: string, from: readonly JobStatus[], dueUs: number, attempt: Attempt): boolean {
    const { changes } = this.#prepare(
      `UPDATE job SET status = ${JobStatus.SCHEDULED}, due_us = ?, started_us = 0, denials = NULL, log_state = NULL
       WHERE uuid = ? AND status IN (SELECT value FROM json_each(?))`,
    ).run(dueUs, uuid, JSON.stringify(from));
    if (changes === 1) {
      this.#prepare(
        `INSERT INTO job_attempt (sequence, number, attempt)
         SELECT job.sequence, (SELECT count(*) + 1 FROM job_attempt WHERE sequence = job.sequence), ?
         FROM job WHERE uuid = ?`,
      ).run(toBinary(AttemptSchema, attempt), uuid);
    }
    return changes === 1;
  }

  /**
   * Deletes a job that is in one of the states `from`. Call it inside a commit.
   *
   * @returns false when there is no such job, or it is in another state.
   */
  delete(uuid: string, from: readonly JobStatus[]): boolean {
    const result = this.#prepare(
      'DELETE FROM job WHERE uuid = ? AND status IN (SELECT value FROM json_each(?))',
    ).run(uuid, JSON.stringify(from));
    return result.changes === 1;
  }

  get(uuid: string): StoredJob | undefined {
    try {
      const row = this.#prepare(`SELECT ${JOB_COLUMNS} FROM job WHERE uuid = ?`).get(uuid);
      return row && jobOfRow(row);
    } catch (error) {
      throw stateError('read', uuid, error);
    }
  }

  /** Cheaper than all of the job, for those who only wait for its end. */
  statusOf(uuid: string): JobStatus | undefined {
    const row = this.#prepare('SELECT status FROM job WHERE uuid = ?').get(uuid);
    return row === undefined ? undefined : statusRowSchema.parse(row).status;
  }

  /** Those before the present one, in their order. */
  attemptsOf(uuid: string): Attempt[] {
    const rows = this.#prepare(
      `SELECT attempt FROM job_attempt WHERE sequence = (SELECT sequence FROM job WHERE uuid = ?) ORDER BY number`,
    ).all(uuid);
    return rows.map((row) => attemptOfRow(row, uuid));
  }

  attemptCount(uuid: string): number {
    const row = this.#prepare(
      'SELECT count(*) AS jobs FROM job_attempt WHERE sequence = (SELECT sequence FROM job WHERE uuid = ?)',
    ).get(uuid);
    return countRowSchema.parse(row).jobs;
  }

  /** Of those that are SCHEDULED and have their files: at most `limit`, the first to be started first. */
  nextDue(limit: number): DueJob[] {
    const rows = this.#prepare(
      `SELECT uuid, due_us FROM job WHERE status = ${JobStatus.SCHEDULED} AND due_us BETWEEN 1 AND ${LARGEST_TIME}
       ORDER BY due_us LIMIT ?`,
    ).all(limit);
    return rows.map((row) => dueRowSchema.parse(row));
  }

  /** Those that wait for their files, and since when: at most `limit`, the oldest first. */
  awaitingFiles(limit: number): DueJob[] {
    const rows = this.#prepare(
      `SELECT uuid, min(max(created_us, 0), ${LARGEST_TIME}) AS due_us FROM job
       WHERE status = ${JobStatus.SCHEDULED} AND due_us = 0 ORDER BY created_us LIMIT ?`,
    ).all(limit);
    return rows.map((row) => dueRowSchema.parse(row));
  }

  /**
   * The files of a job are there. Call it inside a commit.
   *
   * @returns false when it does not wait for them (any more): then nothing was changed.
   */
  hasFiles(uuid: string, dueUs: number): boolean {
    const { changes } = this.#prepare(
      `UPDATE job SET due_us = ? WHERE uuid = ? AND status = ${JobStatus.SCHEDULED} AND due_us = 0`,
    ).run(dueUs, uuid);
    return changes === 1;
  }

  /** Those that ended after that one and before a time, at most `limit`, in the order of their ends. */
  endedAfter({ endedUs, sequence }: EndPlace, beforeUs: number, limit: number): EndedJob[] {
    const rows = this.#prepare(
      `SELECT uuid, ended_us, sequence FROM job
       WHERE ended_us > 0 AND (ended_us, sequence) > (?, ?) AND ended_us < ? ORDER BY ended_us, sequence LIMIT ?`,
    ).all(endedUs, sequence, beforeUs, limit);
    return rows.map((row) => endedRowSchema.parse(row));
  }

  /** The job that so many have ended after; undefined when there are fewer. */
  endedBefore(later: number): EndedJob | undefined {
    const row = this.#prepare(
      'SELECT uuid, ended_us, sequence FROM job WHERE ended_us > 0 ORDER BY ended_us DESC, sequence DESC LIMIT 1 OFFSET ?',
    ).get(later);
    return row && endedRowSchema.parse(row);
  }

  /** In the order of the ids, at most `limit`. */
  uuidsWithPrefix(prefix: string, limit: number): string[] {
    return this.#uuids(
      'SELECT uuid FROM job WHERE uuid >= ? AND uuid < ? ORDER BY uuid LIMIT ?',
      ...prefixRange(prefix),
      limit,
    );
  }

  /** The oldest first, at most `limit`. */
  uuidsWithStatus(statuses: readonly JobStatus[], limit = -1): string[] {
    return this.#uuids(
      'SELECT uuid FROM job WHERE status IN (SELECT value FROM json_each(?)) ORDER BY sequence LIMIT ?',
      JSON.stringify(statuses),
      limit,
    );
  }

  count(statuses?: readonly JobStatus[]): number {
    const row =
      statuses === undefined
        ? this.#prepare('SELECT count(*) AS jobs FROM job').get()
        : this.#prepare(
            'SELECT count(*) AS jobs FROM job WHERE status IN (SELECT value FROM json_each(?))',
          ).get(JSON.stringify(statuses));
    return countRowSchema.parse(row).jobs;
  }

  /** Newest first: a page by key, so that the thousandth costs what the first does. */
  list(filter: JobFilter, page: JobPage): { jobs: StoredJob[]; hasMore: boolean } {
    const { query, parameters } = listQuery(filter);
    const jobs: StoredJob[] = [];
    let bytes = 0;
    try {
      const rows = this.#prepare(query).iterate({ ...parameters, before: page.before, limit: page.jobs + 1 });
      for (const row of rows) {
        bytes += row.spec instanceof Uint8Array ? row.spec.length : 0;
        if (jobs.length === page.jobs || (jobs.length > 0 && bytes > page.bytes)) {
          return { jobs, hasMore: true };
        }
        jobs.push(jobOfRow(row));
      }
      return { jobs, hasMore: false };
    } catch (error) {
      throw stateError('read', 'job', error);
    }
  }

  #uuids(query: string, ...parameters: SQLInputValue[]): string[] {
    const rows = this.#prepare(query).all(...parameters);
    return rows.map((row) => uuidRowSchema.parse(row).uuid);
  }

  /** There are few different queries: one for each combination of filters. */
  #prepare(query: string): StatementSync {
    let statement = this.#statements.get(query);
    if (statement === undefined) {
      statement = this.#database.prepare(query);
      this.#statements.set(query, statement);
    }
    return statement;
  }
}

/** 0 of one that does not wait for a time, or waits for its files before. */
export function firstDueUs({ status, spec }: Pick<NewJob, 'status' | 'spec'>): number {
  return status === JobStatus.SCHEDULED && spec.uploads.length === 0 ? Number(spec.startAtUs) : 0;
}

function binaryOf(denials: readonly Denial[]): Uint8Array {
  return toBinary(DenialsSchema, create(DenialsSchema, { denials: [...denials] }));
}

/** `g` follows the last hexadecimal digit, and `-` precedes the first. */
function prefixRange(prefix: string): [from: string, to: string] {
  return [prefix, `${prefix}g`];
}

/**
 * One SELECT a status, merged: each walks the index of its status backwards and stops with the page, however many
 * jobs there are. With a prefix of the id the index of ids is the better way in, and `+` keeps SQLite on it. The jobs
 * themselves are read only when it is known which they are.
 */
function listQuery(filter: JobFilter): { query: string; parameters: Record<string, SQLInputValue> } {
  const parameters: Record<string, SQLInputValue> = {};
  const conditions = ['sequence < :before'];
  if (filter.nameContains !== '') {
    conditions.push('instr(name, :name) > 0');
    parameters.name = filter.nameContains;
  }
  if (filter.commandContains !== '') {
    conditions.push('instr(command_line, :command) > 0');
    parameters.command = filter.commandContains;
  }
  for (const [index, { key, value }] of filter.labels.entries()) {
    const ofValue = value === undefined ? '' : ` AND value = :value${index}`;
    conditions.push(`sequence IN (SELECT sequence FROM job_label WHERE key = :key${index}${ofValue})`);
    parameters[`key${index}`] = key;
    if (value !== undefined) {
      parameters[`value${index}`] = value;
    }
  }
  const byPrefix = filter.uuidPrefix !== '';
  if (byPrefix) {
    conditions.push('uuid >= :from AND uuid < :to');
    [parameters.from, parameters.to] = prefixRange(filter.uuidPrefix);
  }
  const statuses = [...new Set(filter.statuses)];
  const branches = statuses.length === 0 ? [conditions] : [];
  for (const [index, status] of statuses.entries()) {
    branches.push([`${byPrefix ? '+' : ''}status = :status${index}`, ...conditions]);
    parameters[`status${index}`] = status;
  }
  const selects = branches.map((branch) => `SELECT sequence FROM job WHERE ${branch.join(' AND ')}`);
  const page = `${selects.join(' UNION ALL ')} ORDER BY sequence DESC LIMIT :limit`;
  return {
    query: `SELECT ${JOB_COLUMNS} FROM job WHERE sequence IN (${page}) ORDER BY sequence DESC`,
    parameters,
  };
}
