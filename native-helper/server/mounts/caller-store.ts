/** The groups of those whose jobs have mounts: kept with the job, which may be started long after they have gone. */
import type { DatabaseSync } from 'node:sqlite';
import * as z from '../../api/schema.ts';
import type { Caller } from './caller.ts';

const id = z.int().check(z.minimum(0), z.maximum(2 ** 32 - 2));
const rowSchema = z.strictObject({ owner_uid: id, gid: id, groups: z.string() });
const groupsSchema = z.array(id);

export class CallerStore {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** Call it in the commit that inserts the job, after that. It goes with the job. */
  insert(uuid: string, { gid, groups }: Caller): void {
    this.#database
      .prepare('INSERT INTO job_caller (job, gid, groups) VALUES (?, ?, ?)')
      .run(uuid, gid, JSON.stringify(groups));
  }

  /** undefined when the job is gone, or was made without mounts. */
  get(uuid: string): Caller | undefined {
    const row = this.#database
      .prepare(
        'SELECT owner_uid, gid, groups FROM job_caller JOIN job ON job.uuid = job_caller.job WHERE job = ?',
      )
      .get(uuid);
    if (row === undefined) {
      return undefined;
    }
    const { owner_uid: uid, gid, groups } = rowSchema.parse(row);
    return { uid, gid, groups: groupsSchema.parse(JSON.parse(groups)) };
  }
}
