/** The tables of networks and of addresses that jobs hold. */
import type { DatabaseSync } from 'node:sqlite';
import { fromBinary } from '@bufbuild/protobuf';
import { JobSpecSchema } from '../../api/gen/joblet_pb.js';
import * as z from '../../api/schema.ts';
import { LIVE_STATES } from '../jobs/job-state.ts';
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

const networkRows = z.array(
  z.strictObject({
    name: z.string(),
    cidr: z.pipe(
      z.string(),
      z.transform((text) => requireCidr(text)),
    ),
    created_us: z.int(),
  }),
);
const leaseRows = z.array(z.strictObject({ uuid: z.uuid(), network: z.string(), address: z.int() }));

const specRows = z.array(z.strictObject({ spec: z.instanceof(Uint8Array) }));
const LIVE = `(${LIVE_STATES.join(', ')})`;

function requireCidr(text: string): Cidr {
  const cidr = parseCidr(text);
  if (cidr === undefined) {
    throw new Error(`the state has a network with the range ${text}`);
  }
  return cidr;
}

/** Call what changes it inside a commit. */
export class NetworkStore {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  networks(): NetworkRecord[] {
    const rows = networkRows.parse(
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

  /** How many jobs that have not ended use it, those that only wait included. Their networks stand in no column, so each is looked at. */
  jobsUsing(name: string): number {
    const rows = specRows.parse(this.#database.prepare(`SELECT spec FROM job WHERE status IN ${LIVE}`).all());
    return rows.filter(({ spec }) => fromBinary(JobSpecSchema, spec).network === name).length;
  }

  leases(): Lease[] {
    return leaseRows.parse(
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
