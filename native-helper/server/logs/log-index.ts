/** `log.index`: which bytes of a job's log came from which stream, and when (docs/monitor-protocol.md). */
import type { FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { JobletError } from '../../api/errors.ts';

const MAGIC = 'JOBLINDX';
/** In version 1 no record had a checksum, and each was data. */
const VERSIONS = [1, 2];
const HEADER_BYTES = 32;
const RECORD_BYTES = 32;
const KIND_DATA = 0;
const STATES: ReadonlyMap<number, LogState> = new Map([
  [1, 'memory'],
  [2, 'spill'],
  [3, 'disk'],
]);
/** And the power of ten of which one line was kept; 0: none was. */
const KIND_SAMPLED = 16;
const POWER_MAXIMUM = 9;
/** They cost as much to read as one. */
const RECORDS_OF_A_PAGE = 4096 / RECORD_BYTES;

export const STREAM_STDOUT = 1;
export const STREAM_STDERR = 2;
export type StreamNumber = typeof STREAM_STDOUT | typeof STREAM_STDERR;

/** Where the monitor keeps what it reads. */
export type LogState = 'memory' | 'spill' | 'disk';

/** What a monitor has to say at a place in the log: where it keeps what comes from here on, or what is missing here. */
export type LogNote =
  | { readonly kind: LogState }
  | {
      readonly kind: 'sampled';
      /** One of so many lines was kept; 0: none. */
      readonly every: number;
      /** That are not here. */
      readonly lines: number;
      readonly bytes: number;
    };

/** What one read of the monitor got; or a note, which has no bytes. */
export interface LogRecord {
  /** µs since the epoch. */
  readonly timeUs: bigint;
  /** Of its first byte in the log. */
  readonly offset: number;
  /** Bytes. */
  readonly length: number;
  /** Of a note: that of the bytes of which it tells. */
  readonly stream: StreamNumber;
  /** Of its bytes, as zlib has it; undefined in a note, and in what a monitor of version 1 wrote. */
  readonly crc32: number | undefined;
  readonly note: LogNote | undefined;
}

/** @param bytes all that the record stands for. @returns false when they are not those that the monitor read; true when it left no checksum. */
export function isIntact(record: LogRecord, bytes: Uint8Array): boolean {
  return record.crc32 === undefined || (bytes.length === record.length && crc32(bytes) === record.crc32);
}

export class LogIndex {
  readonly #file: FileHandle;
  readonly #path: string;
  #hasHeader = false;

  constructor(file: FileHandle, path: string) {
    this.#file = file;
    this.#path = path;
  }

  /**
   * How many whole records there are now; the monitor may be writing the next.
   *
   * @throws JobletError when the file is no index of this version.
   */
  async count(): Promise<number> {
    const { size } = await this.#file.stat();
    if (size < HEADER_BYTES) {
      return 0;
    }
    if (!this.#hasHeader) {
      this.#checkHeader(await this.#bytes(0, HEADER_BYTES));
      this.#hasHeader = true;
    }
    return Math.floor((size - HEADER_BYTES) / RECORD_BYTES);
  }

  /** @param first number of the first record; the records must be there. */
  async read(first: number, count: number): Promise<LogRecord[]> {
    const bytes = await this.#bytes(HEADER_BYTES + first * RECORD_BYTES, count * RECORD_BYTES);
    const records: LogRecord[] = [];
    for (let at = 0; at + RECORD_BYTES <= bytes.length; at += RECORD_BYTES) {
      records.push(this.#parse(bytes, at));
    }
    this.#requireSequence(records);
    return records;
  }

  /** The number of the first record among `count` that holds the byte at `offset`, or one behind it, or is a note there; `count` when none does. */
  async find(offset: number, count: number): Promise<number> {
    return await this.#first(count, (record) =>
      record.note === undefined ? record.offset + record.length > offset : record.offset >= offset,
    );
  }

  /** The number of the first record among `count` of that time or later; `count` when there is none. Times may fall: see GetLogs. */
  async findTime(timeUs: bigint, count: number): Promise<number> {
    return await this.#first(count, (record) => record.timeUs >= timeUs);
  }

  /** @param holds for all records from one on, and for none before it */
  async #first(count: number, holds: (record: LogRecord) => boolean): Promise<number> {
    let low = 0;
    let high = count;
    while (high - low > RECORDS_OF_A_PAGE) {
      const middle = Math.floor((low + high) / 2);
      const [record] = await this.read(middle, 1);
      if (record === undefined || holds(record)) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    const found = (await this.read(low, high - low)).findIndex(holds);
    return found < 0 ? high : low + found;
  }

  async #bytes(position: number, length: number): Promise<Buffer> {
    const { buffer, bytesRead } = await this.#file.read(Buffer.allocUnsafe(length), 0, length, position);
    return buffer.subarray(0, bytesRead);
  }

  #checkHeader(header: Buffer): void {
    if (
      header.toString('latin1', 0, MAGIC.length) !== MAGIC ||
      !VERSIONS.includes(header.readUInt32LE(8)) ||
      header.readUInt32LE(12) !== RECORD_BYTES
    ) {
      throw this.#damaged('has a header that this helper does not know');
    }
  }

  #parse(bytes: Buffer, at: number): LogRecord {
    const offset = bytes.readBigUInt64LE(at + 8);
    const length = bytes.readUInt32LE(at + 16);
    const stream = bytes.readUInt16LE(at + 20);
    const kind = bytes.readUInt16LE(at + 22);
    const note = noteOf(kind, bytes.subarray(at + 24, at + RECORD_BYTES));
    if (
      offset > BigInt(Number.MAX_SAFE_INTEGER) ||
      (stream !== STREAM_STDOUT && stream !== STREAM_STDERR) ||
      (kind !== KIND_DATA && (note === undefined || length > 0))
    ) {
      throw this.#damaged(`has a record of stream ${stream}, kind ${kind} at offset ${offset}`);
    }
    const hasChecksum = note === undefined && bytes.readUInt32LE(at + 28) === 1;
    return {
      timeUs: bytes.readBigUInt64LE(at) / 1000n,
      offset: Number(offset),
      length,
      stream,
      crc32: hasChecksum ? bytes.readUInt32LE(at + 24) : undefined,
      note,
    };
  }

  /** Each record begins where the one before ends: what else could say that no byte is missing? */
  #requireSequence(records: readonly LogRecord[]): void {
    for (const [number, record] of records.entries()) {
      const before = records[number - 1];
      if (before !== undefined && record.offset !== before.offset + before.length) {
        throw this.#damaged(`has a gap before offset ${record.offset}`);
      }
    }
  }

  #damaged(reason: string): JobletError {
    return new JobletError('internal', {
      layer: 'log',
      operation: 'read',
      object: this.#path,
      reason,
      mend: 'The bytes themselves are in the file log beside it.',
    });
  }
}

/** @returns undefined for data, and for a kind that this helper does not know. */
function noteOf(kind: number, counts: Buffer): LogNote | undefined {
  const state = STATES.get(kind);
  const power = kind - KIND_SAMPLED;
  if (state !== undefined) {
    return { kind: state };
  }
  if (power < 0 || power > POWER_MAXIMUM) {
    return undefined;
  }
  return {
    kind: 'sampled',
    every: power === 0 ? 0 : 10 ** power,
    lines: counts.readUInt32LE(0),
    bytes: counts.readUInt32LE(4),
  };
}
