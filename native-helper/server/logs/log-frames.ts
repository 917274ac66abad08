/** `log.zst` and `log.frames`: what of a log is compressed, and what is no more (docs/monitor-protocol.md). */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { crc32, constants as zlib, zstdCompress, zstdDecompress } from 'node:zlib';
import { causeOf, JobletError } from '../../api/errors.ts';

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

const MAGIC = 'JOBLFRMS';
const VERSION = 1;
const HEADER_BYTES = 32;
const RECORD_BYTES = 32;
/** The most bytes of a log in one frame: who reads a line decompresses as much, in about a millisecond. */
export const FRAME_BYTES = 1024 * 1024;
/** The most that are added together. */
export const FRAMES_AT_ONCE = 16;
/** zlib's smallest piece. */
const SPARE_BYTES = 64;
/** What shrinks less stays as it is: reading it would cost more than its place. */
const WORTHWHILE_RATIO = 0.9;

/** A part of the log. */
export interface Frame {
  /** Of its first byte in the log. */
  readonly offset: number;
  /** Bytes of the log. */
  readonly length: number;
  /** Where in `log.zst` it begins. */
  readonly packedOffset: number;
  /** Bytes there; 0: it did not shrink, and is in `log` as it was. */
  readonly packedLength: number;
}

/** One that is to be added. */
export interface PackedFrame extends Pick<Frame, 'length'> {
  /** undefined: it did not shrink. */
  readonly packed: Buffer | undefined;
}

/** @param bytes FRAME_BYTES at most; they may be overwritten afterwards. */
export async function packFrame(bytes: Buffer): Promise<PackedFrame> {
  // With a checksum of what was in it, which is looked at by who decompresses it.
  const packed = await compress(bytes, { params: { [zlib.ZSTD_c_checksumFlag]: 1 } });
  const isWorthwhile = packed.length <= bytes.length * WORTHWHILE_RATIO;
  return { length: bytes.length, packed: isWorthwhile ? packed : undefined };
}

export class LogFrames implements AsyncDisposable {
  readonly #index: FileHandle;
  readonly #data: FileHandle;
  readonly #path: string;
  #dropped: number;
  /** As they lie in the file: 32 bytes for a mebibyte of log. */
  #records: Buffer;

  private constructor(files: LogFrameFiles, dropped: number, records: Buffer) {
    this.#index = files.index;
    this.#data = files.data;
    this.#path = files.path;
    this.#dropped = dropped;
    this.#records = records;
  }

  /**
   * @param folder of the job.
   * @returns undefined when there are none.
   * @throws JobletError when they are damaged.
   */
  static async open(folder: string): Promise<LogFrames | undefined> {
    try {
      return await LogFrames.#open(folder, constants.O_RDWR | constants.O_NOFOLLOW);
    } catch (error) {
      if (causeOf(error) === 'ENOENT') {
        return undefined;
      }
      throw error;
    }
  }

  /** @throws JobletError when they are damaged, or there is no room. */
  static async openOrCreate(folder: string): Promise<LogFrames> {
    return await LogFrames.#open(folder, constants.O_RDWR | constants.O_NOFOLLOW | constants.O_CREAT);
  }

  static async #open(folder: string, flags: number): Promise<LogFrames> {
    const path = join(folder, 'log.frames');
    const index = await open(path, flags, 0o600);
    let data: FileHandle | undefined;
    try {
      data = await open(join(folder, 'log.zst'), flags, 0o600);
      const bytes = await index.readFile();
      if (bytes.length < HEADER_BYTES) {
        await index.write(headerOf(0), 0, HEADER_BYTES, 0);
        return new LogFrames({ index, data, path }, 0, Buffer.alloc(0));
      }
      const { size } = await data.stat();
      return new LogFrames({ index, data, path }, droppedIn(bytes, path), wholeRecords(bytes, size, path));
    } catch (error) {
      await index.close();
      await data?.close();
      throw error;
    }
  }

  /** Of the log: the bytes before it are no more. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Of the log: all that is below lies in frames, or is no more; the rest is in `log`. */
  get end(): number {
    return Math.max(this.#dropped, this.#packedEnd);
  }

  get #packedEnd(): number {
    const last = this.#frame(this.count - 1);
    return last === undefined ? 0 : last.offset + last.length;
  }

  get count(): number {
    return this.#records.length / RECORD_BYTES;
  }

  /** @param offset in the log; the frame is undefined when none holds it. */
  find(offset: number): Frame | undefined {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#frame(middle) as Frame).offset > offset) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    const frame = this.#frame(low - 1);
    return frame !== undefined && offset < frame.offset + frame.length ? frame : undefined;
  }

  *all(): Generator<Frame> {
    for (let at = 0; at < this.#records.length; at += RECORD_BYTES) {
      yield frameAt(this.#records, at);
    }
  }

  /**
   * @param frame with a packed length.
   * @throws JobletError (internal) when its bytes are not those that were put there.
   */
  async read({ offset, length, packedOffset, packedLength }: Frame): Promise<Buffer> {
    const packed = Buffer.allocUnsafeSlow(packedLength);
    const { bytesRead } = await this.#data.read(packed, 0, packedLength, packedOffset);
    try {
      // In one piece that is not quite full: when it is, another is made, and each is a way to a thread and back.
      const whole = packed.subarray(0, bytesRead);
      const bytes = await decompress(whole, { chunkSize: length + SPARE_BYTES, maxOutputLength: length });
      if (bytes.length === length) {
        return bytes;
      }
    } catch (error) {
      throw damaged(this.#path, `the frame of offset ${offset} can't be decompressed: ${causeOf(error)}`);
    }
    throw damaged(this.#path, `the frame of offset ${offset} does not hold ${length} bytes`);
  }

  /**
   * They follow what is there, and are on the disk when it resolves.
   *
   * @param frames at most FRAMES_AT_ONCE.
   */
  async append(frames: readonly PackedFrame[]): Promise<void> {
    const last = this.#frame(this.count - 1);
    let packedOffset = last === undefined ? 0 : last.packedOffset + last.packedLength;
    const bytes = Buffer.concat(frames.map(({ packed }) => packed ?? Buffer.alloc(0)));
    await writeAll(this.#data, bytes, packedOffset);
    let offset = this.end;
    const records = frames.map(({ length, packed }) => {
      const packedLength = packed?.length ?? 0;
      const record = recordOf({ offset, length, packedOffset, packedLength });
      offset += length;
      packedOffset += packedLength;
      return record;
    });
    await this.#data.datasync();
    await writeAll(this.#index, Buffer.concat(records), HEADER_BYTES + this.#records.length);
    await this.#index.datasync();
    this.#records = Buffer.concat([this.#records, ...records]);
  }

  /**
   * Says, on the disk, that the bytes before an offset are no more. It takes none away.
   *
   * @returns how many bytes of `log.zst` nobody needs any more.
   */
  async drop(offset: number): Promise<number> {
    await writeAll(this.#index, headerOf(offset), 0);
    await this.#index.datasync();
    this.#dropped = offset;
    const first = this.find(offset);
    const last = this.#frame(this.count - 1);
    return first?.packedOffset ?? (last === undefined ? 0 : last.packedOffset + last.packedLength);
  }

  get dataFd(): number {
    return this.#data.fd;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#index.close();
    await this.#data.close();
  }

  #frame(number: number): Frame | undefined {
    return number < 0 || number >= this.count ? undefined : frameAt(this.#records, number * RECORD_BYTES);
  }
}

interface LogFrameFiles {
  readonly index: FileHandle;
  readonly data: FileHandle;
  readonly path: string;
}

function headerOf(dropped: number): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.write(MAGIC, 'latin1');
  header.writeUInt32LE(VERSION, 8);
  header.writeUInt32LE(RECORD_BYTES, 12);
  header.writeBigUInt64LE(BigInt(dropped), 16);
  header.writeUInt32LE(crc32(header.subarray(0, HEADER_BYTES - 4)), HEADER_BYTES - 4);
  return header;
}

function droppedIn(bytes: Buffer, path: string): number {
  const dropped = Number(bytes.readBigUInt64LE(16));
  if (!Number.isSafeInteger(dropped) || !headerOf(dropped).equals(bytes.subarray(0, HEADER_BYTES))) {
    throw damaged(path, 'has a header that this helper does not know');
  }
  return dropped;
}

function recordOf({ offset, length, packedOffset, packedLength }: Frame): Buffer {
  const record = Buffer.alloc(RECORD_BYTES);
  record.writeBigUInt64LE(BigInt(offset), 0);
  record.writeBigUInt64LE(BigInt(packedOffset), 8);
  record.writeUInt32LE(length, 16);
  record.writeUInt32LE(packedLength, 20);
  record.writeUInt32LE(crc32(record.subarray(0, RECORD_BYTES - 4)), RECORD_BYTES - 4);
  return record;
}

function frameAt(records: Buffer, at: number): Frame {
  return {
    offset: Number(records.readBigUInt64LE(at)),
    packedOffset: Number(records.readBigUInt64LE(at + 8)),
    length: records.readUInt32LE(at + 16),
    packedLength: records.readUInt32LE(at + 20),
  };
}

/**
 * Without those at the end of which a loss of power has left a part. They were not on the disk yet, so their bytes are still in `log`; of
 * more than are added together that can't be.
 */
function wholeRecords(bytes: Buffer, packedBytes: number, path: string): Buffer {
  const count = Math.floor((bytes.length - HEADER_BYTES) / RECORD_BYTES);
  const records = bytes.subarray(HEADER_BYTES, HEADER_BYTES + count * RECORD_BYTES);
  for (let number = 0; number < count; number += 1) {
    if (!isWhole(records, number, packedBytes)) {
      if (number < count - FRAMES_AT_ONCE) {
        throw damaged(path, `record ${number} of ${count} is not one`);
      }
      return records.subarray(0, number * RECORD_BYTES);
    }
  }
  return records;
}

function isWhole(records: Buffer, number: number, packedBytes: number): boolean {
  const at = number * RECORD_BYTES;
  const frame = frameAt(records, at);
  const before = number === 0 ? undefined : frameAt(records, at - RECORD_BYTES);
  return (
    Number.isSafeInteger(frame.offset) &&
    Number.isSafeInteger(frame.packedOffset) &&
    recordOf(frame).equals(records.subarray(at, at + RECORD_BYTES)) &&
    frame.packedOffset + frame.packedLength <= packedBytes &&
    (before === undefined || follows(frame, before))
  );
}

/** Between two frames there can be what was dropped before it was compressed. */
function follows(frame: Frame, before: Frame): boolean {
  return (
    frame.offset >= before.offset + before.length &&
    frame.packedOffset === before.packedOffset + before.packedLength
  );
}

async function writeAll(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}

function damaged(path: string, reason: string): JobletError {
  const mend =
    'What of the log is not compressed is in the file log beside it, the frames in log.zst (zstdcat reads them).';
  return new JobletError('internal', { layer: 'log', operation: 'read', object: path, reason, mend });
}
