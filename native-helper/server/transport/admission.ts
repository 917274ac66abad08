/**
 * How many may be connected, in all and for each uid. A connection that has not finished its TLS handshake is worth
 * less than a new one: when there is no room, the oldest such is dropped, so that hundreds of half-open connections
 * keep nobody out.
 */
export interface AdmissionLimits {
  readonly total: number;
  readonly perUid: number;
}

export type Decision<Connection> =
  | { readonly admitted: true; readonly dropped: Connection | undefined }
  | { readonly admitted: false };

export class Admission<Connection> {
  readonly #limits: AdmissionLimits;
  /** In the order in which they came. */
  readonly #connections = new Map<Connection, { readonly uid: number; established: boolean }>();

  constructor(limits: AdmissionLimits) {
    this.#limits = limits;
  }

  /** Takes a new connection in; the caller closes the one that is dropped for it. */
  admit(connection: Connection, uid: number): Decision<Connection> {
    const ofUid = [...this.#connections.values()].filter((each) => each.uid === uid).length;
    let dropped: Connection | undefined;
    if (ofUid >= this.#limits.perUid) {
      dropped = this.#oldestHalfOpen(uid);
    } else if (this.#connections.size >= this.#limits.total) {
      // A uid pays with its own half-open connections before others pay with theirs.
      dropped = this.#oldestHalfOpen(uid) ?? this.#oldestHalfOpen();
    } else {
      this.#connections.set(connection, { uid, established: false });
      return { admitted: true, dropped: undefined };
    }
    if (dropped === undefined) {
      return { admitted: false };
    }
    this.#connections.delete(dropped);
    this.#connections.set(connection, { uid, established: false });
    return { admitted: true, dropped };
  }

  /** Its handshake is done. */
  establish(connection: Connection): void {
    const entry = this.#connections.get(connection);
    if (entry !== undefined) {
      entry.established = true;
    }
  }

  /** It is closed. */
  release(connection: Connection): void {
    this.#connections.delete(connection);
  }

  #oldestHalfOpen(uid?: number): Connection | undefined {
    for (const [connection, entry] of this.#connections) {
      if (!entry.established && (uid === undefined || entry.uid === uid)) {
        return connection;
      }
    }
    return undefined;
  }
}
