import {
  copyFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FROZEN_VERSIONS, frozenState, frozenUuid } from '../../../test/fixtures/frozen-states.ts';
import { JobletError } from '../../api/errors.ts';
import { JobStatus } from '../../api/gen/joblet_pb.js';
import { openDatabase } from './database.ts';
import { JobStore } from './job-store.ts';
import { MIGRATIONS } from './migrations.ts';

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'joblet-state-'));
  path = join(folder, 'state.db');
});
afterEach(() => rmSync(folder, { recursive: true }));

function failureToOpen(migrations?: readonly string[]): JobletError {
  try {
    openDatabase(path, migrations).close();
  } catch (error) {
    expect(error).toBeInstanceOf(JobletError);
    return error as JobletError;
  }
  throw new Error('it was opened');
}

describe('openDatabase', () => {
  it('makes a database that only its owner can read', () => {
    const database = openDatabase(path);
    database.exec('CREATE TABLE probe (x)');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(`${path}-wal`).mode & 0o777).toBe(0o600);
    database.close();
  });

  it('syncs each commit to the disk', () => {
    const database = openDatabase(path);
    expect(database.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' });
    expect(database.prepare('PRAGMA synchronous').get()).toEqual({ synchronous: 2 });
    database.close();
  });

  it.each(FROZEN_VERSIONS)('reads what version %i has written', (version) => {
    copyFileSync(frozenState(version), path);
    const database = openDatabase(path);
    const store = new JobStore(database);
    expect(store.count()).toBe([3, 5, 5, 5, 6, 6][version - 1]);
    const completed = store.get(frozenUuid(1));
    expect(completed).toMatchObject({ status: JobStatus.COMPLETED, exitCode: 0, ownerUid: 1000 });
    expect(completed?.spec).toMatchObject({ name: 'first', command: 'echo', args: ['hello', 'wörld'] });
    expect(completed?.usage?.memoryPeakBytes).toBe(4096n);
    const failed = store.get(frozenUuid(2));
    expect(failed?.failure).toMatchObject({ layer: 'exec', cause: 'ENOENT' });
    expect(failed?.spec.secretEnvironment).toEqual({ DATABASE_PASSWORD: '***' });
    expect(store.statusOf(frozenUuid(3))).toBe(JobStatus.QUEUED);
    if (version >= 2) {
      expect(store.get(frozenUuid(4))).toMatchObject({ status: JobStatus.SCHEDULED, dueUs: 3.4e15 });
      expect(store.attemptCount(frozenUuid(5))).toBe(1);
    }
    if (version >= 5) {
      expect(store.get(frozenUuid(6))?.denials).toMatchObject([{ call: 'unshare', count: 2n }]);
    }
    database.close();
  });

  it('brings an older schema up to date, step by step, and keeps what is in it', () => {
    const database = openDatabase(path);
    database.close();
    const next = [
      ...MIGRATIONS,
      'ALTER TABLE job ADD COLUMN colour TEXT',
      'CREATE INDEX job_colour ON job (colour)',
    ];
    const migrated = openDatabase(path, next);
    expect(migrated.prepare('PRAGMA user_version').get()).toEqual({ user_version: MIGRATIONS.length + 2 });
    migrated.close();
  });

  it('changes nothing when a migration fails', () => {
    openDatabase(path).close();
    expect(
      failureToOpen([...MIGRATIONS, 'CREATE TABLE half (x); SELECT nonsense FROM nowhere']).message,
    ).toContain('nowhere');
    const database = openDatabase(path);
    expect(
      database.prepare("SELECT count(*) AS tables FROM sqlite_schema WHERE name = 'half'").get(),
    ).toEqual({ tables: 0 });
    database.close();
  });

  it('refuses a schema of a newer helper, and says which', () => {
    openDatabase(path, [...MIGRATIONS, 'CREATE TABLE later (x)']).close();
    const error = failureToOpen();
    expect(error.kind).toBe('conflict');
    expect(error.message).toContain(`schema version ${MIGRATIONS.length + 1}`);
    expect(error.message).toContain('newer helper');
  });

  it("refuses another program's database and leaves it as it is", () => {
    const foreign = new DatabaseSync(path);
    foreign.exec('CREATE TABLE bookmarks (url TEXT)');
    foreign.close();
    const before = readFileSync(path);
    expect(failureToOpen().message).toContain('another program');
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  it('refuses a file that is no database', () => {
    writeFileSync(path, 'This is a diary, and not a database at all.\n'.repeat(100));
    const error = failureToOpen();
    expect(error.details).toMatchObject({ layer: 'state', operation: 'open', object: path });
    expect(error.message).toContain('not a database');
  });

  it('refuses a damaged database before anything is built on it', () => {
    copyFileSync(frozenState(1), path);
    truncateSync(path, statSync(path).size - 4096);
    const error = failureToOpen();
    expect(error.details.layer).toBe('state');
    expect(error.details.mend).toContain('backup');
  });

  it('refuses a link in its place', () => {
    symlinkSync('/dev/null', path);
    expect(failureToOpen().message).toContain('ELOOP');
  });

  it('refuses a database that another process holds', () => {
    const first = openDatabase(path);
    expect(failureToOpen().kind).toBe('conflict');
    first.close();
  });
});
