/**
 * The schema's history. A migration that was ever released is never changed: databases exist that were made by it.
 * `PRAGMA user_version` counts how many of them a database has seen.
 */
export const MIGRATIONS: readonly string[] = [
  // Version 1. What lists filter and sort by stands in columns; `failure`, `usage` and `spec` are the protobuf messages
  // of joblet.proto, whose fields are numbered and therefore outlive later versions. The large column comes last, so
  // that a scan over names does not read its overflow pages. Times are µs since the epoch, 0 = not yet.
  `CREATE TABLE job (
     sequence     INTEGER PRIMARY KEY,
     uuid         TEXT    NOT NULL UNIQUE,
     status       INTEGER NOT NULL,
     owner_uid    INTEGER NOT NULL,
     name         TEXT    NOT NULL,
     command_line TEXT    NOT NULL,
     created_us   INTEGER NOT NULL,
     started_us   INTEGER NOT NULL,
     ended_us     INTEGER NOT NULL,
     exit_code    INTEGER,
     signal       INTEGER,
     failure      BLOB,
     usage        BLOB,
     spec         BLOB    NOT NULL
   ) STRICT;
   CREATE INDEX job_by_status ON job (status, sequence);`,

  // Version 2. When a job that is SCHEDULED (status 2) is started next; what has labels; the runs of a command that were followed
  // by another, as messages `Attempt`. What hangs on a job goes with it.
  `ALTER TABLE job ADD COLUMN due_us INTEGER NOT NULL DEFAULT 0;
   CREATE INDEX job_by_due ON job (due_us) WHERE status = 2;
   CREATE TABLE job_label (
     key      TEXT    NOT NULL,
     sequence INTEGER NOT NULL REFERENCES job ON DELETE CASCADE,
     value    TEXT    NOT NULL,
     PRIMARY KEY (key, sequence)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX job_label_by_job ON job_label (sequence);
   CREATE TABLE job_attempt (
     sequence INTEGER NOT NULL REFERENCES job ON DELETE CASCADE,
     number   INTEGER NOT NULL,
     attempt  BLOB    NOT NULL,
     PRIMARY KEY (sequence, number)
   ) STRICT, WITHOUT ROWID;`,

  // Version 3. Volumes, and which jobs use them: of a job's own name for one there is only its row.
  `CREATE TABLE volume (
     name       TEXT    PRIMARY KEY,
     id         TEXT    NOT NULL UNIQUE,
     type       INTEGER NOT NULL,
     bytes      INTEGER NOT NULL,
     owner_uid  INTEGER NOT NULL,
     created_us INTEGER NOT NULL,
     state      INTEGER NOT NULL
   ) STRICT;
   CREATE TABLE job_volume (
     name     TEXT    NOT NULL,
     sequence INTEGER NOT NULL REFERENCES job ON DELETE CASCADE,
     PRIMARY KEY (name, sequence)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX job_volume_by_job ON job_volume (sequence);`,

  // Version 4. The networks of jobs, and who has which IPv4 address (a number) of them.
  `CREATE TABLE network (
     name       TEXT    NOT NULL PRIMARY KEY,
     cidr       TEXT    NOT NULL,
     created_us INTEGER NOT NULL
   ) STRICT;
   CREATE TABLE address_lease (
     uuid    TEXT    NOT NULL PRIMARY KEY,
     network TEXT    NOT NULL,
     address INTEGER NOT NULL UNIQUE
   ) STRICT;`,

  // Version 5. What a job's filter has denied: the message Denials.
  'ALTER TABLE job ADD COLUMN denials BLOB',
  // Version 6. Of jobs with mounts: the groups of who asked for them, a JSON array of gids.
  `CREATE TABLE job_caller (
     job    TEXT    NOT NULL PRIMARY KEY REFERENCES job (uuid) ON DELETE CASCADE,
     gid    INTEGER NOT NULL,
     groups TEXT    NOT NULL
   ) STRICT;`,
  // Version 7. Whose log is cold, or the oldest.
  'CREATE INDEX job_by_end ON job (ended_us, sequence) WHERE ended_us > 0',
  // Version 8. What has become of output that the disk did not take in time: the message LogState.
  'ALTER TABLE job ADD COLUMN log_state BLOB',
];
