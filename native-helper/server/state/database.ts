/** Opens the helper's database, and names what can be wrong with it. */
import { closeSync, constants, fstatSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { causeOf, type ErrorKind, JobletError } from '../../api/errors.ts';
import * as z from '../../api/schema.ts';
import { MIGRATIONS } from './migrations.ts';

/** `JOBL` in ASCII: tells our databases from any other program's (sqlite.org/pragma.html#pragma_application_id). */
const APPLICATION_ID = 0x4a4f424c;

/** SQLite's own wish for a checkpoint, 1000 pages of 4 KiB with their headers, and room for the commit in between. */
const WRITE_AHEAD_LOG_BYTES = 4_500_000;

/** Primary result codes, sqlite.org/rescode.html */
const SQLITE_BUSY = 5;
const SQLITE_READONLY = 8;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_CANTOPEN = 14;
const SQLITE_NOTADB = 26;

const KIND_OF_CODE: ReadonlyMap<number, ErrorKind> = new Map([
  [SQLITE_BUSY, 'conflict'],
  [SQLITE_READONLY, 'unavailable'],
  [SQLITE_FULL, 'exhausted'],
  [SQLITE_CANTOPEN, 'unavailable'],
]);

const MEND_OF_CODE: ReadonlyMap<number, string> = new Map([
  [SQLITE_BUSY, 'Stop the other program that has it open.'],
  [SQLITE_READONLY, 'Make its file system writable.'],
  [SQLITE_CORRUPT, 'Move it away, or put a backup in its place, and start the helper again.'],
  [SQLITE_FULL, 'Free space on the disk, then try again.'],
  [SQLITE_NOTADB, 'Move it away and start the helper again.'],
]);

/** Of what is not SQLite's: the sync of its log. */
const MEND_OF_ERRNO: ReadonlyMap<string, string> = new Map([
  ['EIO', 'Look for faults of the disk (`dmesg`), then start the helper again.'],
  ['EROFS', 'Make its file system writable, then start the helper again.'],
  ['ENOSPC', 'Free space on the disk, then start the helper again.'],
]);

/**
 * Opens the database, makes it if it isn't there, and brings its schema up to date.
 *
 * What is committed is on the disk, WAL with `synchronous=FULL` syncs the log at each commit, until a CommitQueue takes care of
 * that. The lock is exclusive: the helper is the only one who writes, and a second one must not even read half a thought.
 *
 * @param path made 0600; SQLite gives its companions (`-wal`) the same mode.
 * @throws JobletError when the file is damaged, of another program, of a newer Joblet, or can't be opened.
 */
export function openDatabase(path: string, migrations: readonly string[] = MIGRATIONS): DatabaseSync {
  createPrivately(path);
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path);
    database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA trusted_schema = OFF;');
    refuseForeign(database, path);
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
    migrate(database, path, migrations);
    refuseDamaged(database, path);
    reserveWriteAheadLog(database, path);
    return database;
  } catch (error) {
    database?.close();
    throw stateError('open', path, error);
  }
}

/** sqlite.org/wal.html: it is there for as long as the database is open. */
export function writeAheadLogOf(path: string): string {
  return `${path}-wal`;
}

/** A database error as ours, naming the step; an error of ours passes unchanged. */
export function stateError(operation: string, object: string, error: unknown): JobletError {
  if (error instanceof JobletError) {
    return error;
  }
  const code = resultCodeOf(error);
  return new JobletError(
    KIND_OF_CODE.get(code) ?? 'internal',
    {
      layer: 'state',
      operation,
      object,
      reason: code === 0 ? causeOf(error) : (error as Error).message,
      mend: MEND_OF_CODE.get(code) ?? MEND_OF_ERRNO.get(causeOf(error)) ?? '',
    },
    { cause: error },
  );
}

/**
 * The rows of a small table that the helper can't do without.
 *
 * @throws JobletError (internal) naming the table and what is wrong with its first row that is damaged.
 */
export function rowsOf<T>(table: string, row: z.ZodMiniType<T>, rows: readonly object[]): T[] {
  const result = z.array(row).safeParse(rows);
  if (result.success) {
    return result.data;
  }
  const [issue] = result.error.issues;
  const [index, ...column] = issue?.path ?? [];
  throw new JobletError('internal', {
    layer: 'state',
    operation: 'read',
    object: `table ${table}`,
    reason: `row ${Number(index) + 1} is damaged: ${column.join('.')}: ${issue?.message}`,
    mend: MEND_OF_CODE.get(SQLITE_CORRUPT) ?? '',
  });
}

/** The low byte of an extended result code; 0 when the error is not SQLite's. */
function resultCodeOf(error: unknown): number {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number'
    ? error.errcode & 0xff
    : 0;
}

/** SQLite would make it with the umask's mode, readable for an instant. */
function createPrivately(path: string): void {
  try {
    closeSync(openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600));
  } catch (error) {
    const mend = causeOf(error) === 'ENOSPC' ? 'Free space on the disk.' : '';
    throw new JobletError(
      mend === '' ? 'unavailable' : 'exhausted',
      { layer: 'state', operation: 'open', object: path, reason: causeOf(error), mend },
      { cause: error },
    );
  }
}

function numberFrom(database: DatabaseSync, query: string): number {
  return Number(Object.values(database.prepare(query).get() ?? {})[0]);
}

function refuseForeign(database: DatabaseSync, path: string): void {
  const isOurs = numberFrom(database, 'PRAGMA application_id') === APPLICATION_ID;
  if (!isOurs && numberFrom(database, 'SELECT count(*) FROM sqlite_schema') > 0) {
    throw new JobletError('conflict', {
      layer: 'state',
      operation: 'open',
      object: path,
      reason: 'is the database of another program',
      mend: 'Move it away and start the helper again.',
    });
  }
}

function migrate(database: DatabaseSync, path: string, migrations: readonly string[]): void {
  const version = numberFrom(database, 'PRAGMA user_version');
  if (version > migrations.length) {
    throw new JobletError('conflict', {
      layer: 'state',
      operation: 'open',
      object: path,
      reason: `has schema version ${version}, and this helper knows versions up to ${migrations.length}`,
      mend: 'Start the newer helper that wrote it.',
    });
  }
  for (const [index, migration] of migrations.entries()) {
    if (index >= version) {
      database.exec(
        `BEGIN IMMEDIATE; ${migration}; PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${index + 1}; COMMIT;`,
      );
    }
  }
}

/**
 * Gives the write-ahead log its full size at once. A sync of a file that has not grown has no metadata to write, so
 * each commit takes 0.15 ms instead of 0.25 (ext4), and needs no free block. SQLite reads a log up to the first frame
 * whose checksum does not fit, and after each checkpoint writes over it from the start (sqlite.org/fileformat.html,
 * "The Write-Ahead Log"): zeroes beyond the end mean nothing to it.
 */
function reserveWriteAheadLog(database: DatabaseSync, path: string): void {
  // Makes sure that there is a log: its first frame is this page of the header.
  database.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
  const fd = openSync(writeAheadLogOf(path), constants.O_WRONLY | constants.O_NOFOLLOW);
  try {
    const zeroes = Buffer.alloc(64 * 1024);
    for (let size = fstatSync(fd).size; size < WRITE_AHEAD_LOG_BYTES; ) {
      size += writeSync(fd, zeroes, 0, zeroes.length, size);
    }
    fsyncSync(fd);
  } catch (error) {
    // A helper must start on a full disk too: its jobs go on, and the user has to delete some.
    if (causeOf(error) !== 'ENOSPC') {
      throw error;
    }
  } finally {
    closeSync(fd);
  }
}

/** 30 ms for 100,000 jobs: cheaper than a helper that finds out in the middle of a job. */
function refuseDamaged(database: DatabaseSync, path: string): void {
  const finding = Object.values(database.prepare('PRAGMA quick_check(1)').get() ?? {})[0];
  if (finding !== 'ok') {
    throw new JobletError('internal', {
      layer: 'state',
      operation: 'check',
      object: path,
      reason: `is damaged: ${String(finding)}`,
      mend: MEND_OF_CODE.get(SQLITE_CORRUPT) ?? '',
    });
  }
}
