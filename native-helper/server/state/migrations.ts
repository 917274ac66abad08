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
];
