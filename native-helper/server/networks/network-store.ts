/** The tables of networks and of addresses that jobs hold. */
import type { DatabaseSync } from 'node:sqlite';
import * as z from '../../api/schema.ts';
import { LIVE_STATES } from '../jobs/job-state.ts';
import { rowsOf } from '../state/database.ts';
import { JOB_COLUMNS, jobOfRow } from '../state/job-row.ts';
import { type Cidr, formatCidr, parseCidr } from './cidr.ts';

export interface NetworkRecord {
  readonly name: string;
  readonly cidr: Cidr;
  /** µs since the epoch. */
  readonly createdUs: number;
}

export interface Lease {
  readonly uuid: string;
  readonly network: string;
  readonly address: number;
}

const networkRow = z.strictObject({
  name: z.string(),
  cidr: z.pipe(
    z.string(),
    z.transform((text, { issues }) => {
      const cidr = parseCidr(text);
      if (cidr === undefined) {
        issues.push({ code: 'custom', input: text, message: `${JSON.stringify(text)} is no range` });
        return z.NEVER;
      }
      return cidr;
    }),
  ),
  created_us: z.int(),
});
const leaseRow = z.strictObject({ uuid: z.guid(), network: z.string(), address: z.int() });

const LIVE = `(${LIVE_STATES.join(', ')})`;

/** Call what changes it inside a commit. */
export class NetworkStore {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  networks(): NetworkRecord[] {
    const rows = rowsOf(
      'network',
      networkRow,
      this.#database.prepare('SELECT name, cidr, created_us FROM network ORDER BY created_us, name').all(),
    );
    return rows.map(({ created_us: createdUs, ...row }) => ({ ...row, createdUs }));
  }

  insertNetwork({ name, cidr, createdUs }: NetworkRecord): void {
    this.#database
      .prepare('INSERT OR REPLACE INTO network (name, cidr, created_us) VALUES (?, ?, ?)')
      .run(name, formatCidr(cidr), createdUs);
  }

  deleteNetwork(name: string): void {
    this.#database.prepare('DELETE FROM network WHERE name = ?').run(name);
  }

  /**
   * How many jobs that have not ended use it, those that only wait included. Their networks stand in no column, so each is looked at. One
   * whose specification is damaged has none.
   */
  jobsUsing(name: string): number {
    const rows = this.#database.prepare(`SELECT ${JOB_COLUMNS} FROM job WHERE status IN ${LIVE}`).all();
    return rows.filter((row) => jobOfRow(row).spec.network === name).length;
  }

  leases(): Lease[] {
    return rowsOf(
      'address_lease',
      leaseRow,
      this.#database.prepare('SELECT uuid, network, address FROM address_lease ORDER BY address').all(),
    );
  }

  insertLease({ uuid, network, address }: Lease): void {
    this.#database
      .prepare('INSERT INTO address_lease (uuid, network, address) VALUES (?, ?, ?)')
      .run(uuid, network, address);
  }

  deleteLease(uuid: string): void {
    this.#database.prepare('DELETE FROM address_lease WHERE uuid = ?').run(uuid);
  }
}
