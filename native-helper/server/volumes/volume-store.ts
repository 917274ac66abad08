/** The table of volumes, and which jobs use which. */
import type { DatabaseSync } from 'node:sqlite';
import { VolumeType } from '../../api/gen/joblet_pb.js';
import * as z from '../../api/schema.ts';
import { LIVE_STATES } from '../jobs/job-state.ts';
import { rowsOf } from '../state/database.ts';

/** Numbers that stand in databases. */
export const VolumeState = { making: 1, ready: 2, removing: 3 } as const;
export type VolumeState = (typeof VolumeState)[keyof typeof VolumeState];

export interface VolumeRecord {
  readonly name: string;
  /** What it is called on the disk: a name from outside is in no path. */
  readonly id: string;
  readonly type: VolumeType;
  readonly bytes: bigint;
  readonly ownerUid: number;
  readonly createdUs: number;
  readonly state: VolumeState;
}

const count = z.int().check(z.minimum(0));

const rowSchema = z.pipe(
  z.strictObject({
    name: z.string(),
    id: z.uuid(),
    type: z.enum(VolumeType),
    bytes: count,
    owner_uid: count,
    created_us: count,
    state: z.enum(VolumeState),
  }),
  z.transform(
    ({ owner_uid, created_us, bytes, ...row }): VolumeRecord => ({
      ...row,
      bytes: BigInt(bytes),
      ownerUid: owner_uid,
      createdUs: created_us,
    }),
  ),
);
const countRowSchema = z.strictObject({ jobs: count });

const LIVE = `(${LIVE_STATES.join(', ')})`;

export class VolumeStore {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** Call it inside a commit. */
  insert({ name, id, type, bytes, ownerUid, createdUs, state }: VolumeRecord): void {
    this.#database
      .prepare(
        'INSERT INTO volume (name, id, type, bytes, owner_uid, created_us, state) VALUES (?, ?, ?, ?, ?, ?, ?)',
      )
      .run(name, id, type, bytes, ownerUid, createdUs, state);
  }

  /** Call it inside a commit. */
  setState(name: string, state: VolumeState): void {
    this.#database.prepare('UPDATE volume SET state = ? WHERE name = ?').run(state, name);
  }

  /** Call it inside a commit. */
  delete(name: string): void {
    this.#database.prepare('DELETE FROM volume WHERE name = ?').run(name);
  }

  get(name: string): VolumeRecord | undefined {
    const row = this.#database.prepare('SELECT * FROM volume WHERE name = ?').get(name);
    return row && rowsOf('volume', rowSchema, [row])[0];
  }

  /** By name. */
  list(): VolumeRecord[] {
    return rowsOf('volume', rowSchema, this.#database.prepare('SELECT * FROM volume ORDER BY name').all());
  }

  /** How many jobs that have not ended use it, those that only wait included. */
  jobsUsing(name: string): number {
    const row = this.#database
      .prepare(
        `SELECT count(*) AS jobs FROM job_volume JOIN job USING (sequence) WHERE job_volume.name = ? AND status IN ${LIVE}`,
      )
      .get(name);
    return countRowSchema.parse(row).jobs;
  }
}
