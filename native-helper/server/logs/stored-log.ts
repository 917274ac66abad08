/** The log of one job: one sequence of bytes, wherever they lie. */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { causeOf, JobletError } from '../../api/errors.ts';
import { canPunchHoles, punchHole } from '../../kernel/punch-hole.ts';
import { type Frame, LogFrames, type PackedFrame } from './log-frames.ts';
import { LogIndex } from './log-index.ts';

/** Shared by all that read or change the log, so that nobody reads where a hole is being made. */
export class StoredLog implements AsyncDisposable {
  readonly index: LogIndex;
  readonly #folder: string;
  readonly #log: FileHandle;
  readonly #indexFile: FileHandle;
  #frames: LogFrames | undefined;
  /** Readers of `log` at this moment. */
  readonly #readers = new Set<object>();
  readonly #holes = new Set<Hole>();

  private constructor(folder: string, log: FileHandle, indexFile: FileHandle, frames: LogFrames | undefined) {
    this.#folder = folder;
    this.#log = log;
    this.#indexFile = indexFile;
    this.#frames = frames;
    this.index = new LogIndex(indexFile, join(folder, 'log.index'));
  }

  /**
   * @param folder of the job.
   * @returns undefined while there is no log.
   */
  static async open(folder: string): Promise<StoredLog | undefined> {
    await using opened = new AsyncDisposableStack();
    try {
      // Holes are made in the one, the other is cut when all is dropped.
      const flags = constants.O_RDWR | constants.O_NOFOLLOW;
      const log = opened.use(await open(join(folder, 'log'), flags));
      const index = opened.use(await open(join(folder, 'log.index'), flags));
      const stored = new StoredLog(folder, log, index, await LogFrames.open(folder));
      opened.move();
      return stored;
    } catch (error) {
      if (causeOf(error) === 'ENOENT') {
        return undefined;
      }
      throw error;
    }
  }

  /** Whether the file system takes back a part of a file: if not, a log is neither compressed nor cut. */
  get canShrink(): boolean {
    return canPunchHoles(this.#log.fd);
  }

  /** Bytes of the log so far, those that are no more among them. */
  async size(): Promise<number> {
    return (await this.#log.stat()).size;
  }

  /** The bytes before it are no more. */
  get dropped(): number {
    return this.#frames?.dropped ?? 0;
  }

  /** From here on the bytes are in `log` alone. */
  get plainStart(): number {
    return this.#frames?.end ?? 0;
  }

  /** No hole is made in `log`, where anything is to be read from now on, before it is disposed. */
  holdPlain(): Disposable {
    const reader = {};
    this.#readers.add(reader);
    return {
      [Symbol.dispose]: () => {
        this.#readers.delete(reader);
        for (const hole of this.#holes) {
          hole.readers.delete(reader);
        }
        this.#makeHoles();
      },
    };
  }

  /** @returns `log`, opened once more, with a position of its own; it keeps all from `plainStart` on until it is disposed. */
  async openPlain(): Promise<{ readonly file: FileHandle } & AsyncDisposable> {
    const hold = this.holdPlain();
    try {
      const file = await open(`/proc/self/fd/${this.#log.fd}`, constants.O_RDONLY);
      return {
        file,
        [Symbol.asyncDispose]: async () => {
          await file.close();
          hold[Symbol.dispose]();
        },
      };
    } catch (error) {
      hold[Symbol.dispose]();
      throw error;
    }
  }

  /** From `log`, at an offset that does not lie in a frame. */
  async readPlain(target: Buffer, offset: number): Promise<number> {
    using _ = this.holdPlain();
    const { bytesRead } = await this.#log.read(target, 0, target.length, offset);
    return bytesRead;
  }

  frameAt(offset: number): Frame | undefined {
    return this.#frames?.find(offset);
  }

  /** @throws JobletError (internal) when it is damaged. */
  async readFrame(frame: Frame): Promise<Buffer> {
    if (frame.packedLength > 0) {
      return await (this.#frames as LogFrames).read(frame);
    }
    const bytes = Buffer.allocUnsafeSlow(frame.length);
    return bytes.subarray(0, await this.readPlain(bytes, frame.offset));
  }

  /** Puts frames in place of the bytes from `plainStart` on, and gives their room back to the disk when nobody reads them any more. */
  async append(frames: readonly PackedFrame[]): Promise<void> {
    this.#frames ??= await LogFrames.openOrCreate(this.#folder);
    let offset = this.#frames.end;
    await this.#frames.append(frames);
    for (const { packed, length } of frames) {
      if (packed !== undefined) {
        this.#plan(this.#log.fd, offset, length);
      }
      offset += length;
    }
    this.#makeHoles();
  }

  /** Takes the oldest bytes away, and says so in the log. */
  async drop(offset: number): Promise<void> {
    if (offset > this.dropped) {
      this.#frames ??= await LogFrames.openOrCreate(this.#folder);
      const unneeded = await this.#frames.drop(offset);
      this.#plan(this.#log.fd, 0, offset);
      this.#plan(this.#frames.dataFd, 0, unneeded);
      this.#makeHoles();
    }
  }

  /** What a helper that was killed has promised and not done. */
  finishHoles(): void {
    this.#plan(this.#log.fd, 0, this.dropped);
    for (const { offset, length, packedLength } of this.#frames?.all() ?? []) {
      if (packedLength > 0) {
        this.#plan(this.#log.fd, offset, length);
      }
    }
    this.#makeHoles();
  }

  #plan(fd: number, offset: number, length: number): void {
    this.#holes.add({ fd, offset, length, readers: new Set(this.#readers) });
  }

  /** A disk that fails now keeps what it has: the next helper tries again. */
  #makeHoles(): void {
    for (const hole of this.#holes) {
      if (hole.readers.size > 0) {
        continue;
      }
      this.#holes.delete(hole);
      if (hole.length > 0) {
        tryPunchHole(hole.fd, hole.offset, hole.length);
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#frames?.[Symbol.asyncDispose]();
    await this.#log.close();
    await this.#indexFile.close();
  }
}

/** What lies elsewhere now. Who reads it there at this moment keeps it until then; who comes later reads what has taken its place. */
interface Hole {
  readonly fd: number;
  readonly offset: number;
  readonly length: number;
  readonly readers: Set<object>;
}

function tryPunchHole(fd: number, offset: number, length: number): void {
  try {
    punchHole(fd, offset, length);
  } catch (error) {
    if (!(error instanceof JobletError)) {
      throw error;
    }
  }
}

/** A log as one reader sees it: it holds what it has decompressed last. */
export class LogBytes {
  readonly #stored: StoredLog;
  #heldOffset = 0;
  #held: Buffer = Buffer.alloc(0);

  constructor(stored: StoredLog) {
    this.#stored = stored;
  }

  /** Bytes of the log so far, those that are no more among them. */
  size(): Promise<number> {
    return this.#stored.size();
  }

  /** The bytes before it are no more. It grows. */
  get dropped(): number {
    return this.#stored.dropped;
  }

  /** From here on the bytes are in the file `log`, uncompressed. It grows. */
  get plainStart(): number {
    return this.#stored.plainStart;
  }

  /** @returns the file `log` for somebody else to read; it keeps all from `plainStart` on until it is disposed. */
  openPlain(): Promise<{ readonly file: FileHandle } & AsyncDisposable> {
    return this.#stored.openPlain();
  }

  /**
   * @returns how many bytes there were; none at the end of the log, and where a part of what was asked for is no more.
   * @throws JobletError (internal) when a frame is damaged.
   */
  async read(target: Buffer, offset: number): Promise<number> {
    let done = 0;
    while (done < target.length) {
      const at = offset + done;
      const count =
        at < this.plainStart
          ? (await this.#packed(at)).copy(target, done)
          : await this.#stored.readPlain(target.subarray(done), at);
      if (count === 0) {
        break;
      }
      done += count;
    }
    return offset < this.dropped ? 0 : done;
  }

  /**
   * As `read`, as many as are at hand: they are not copied.
   *
   * @param most at the end of the log, or where it is not compressed.
   */
  async some(offset: number, most: number): Promise<Buffer> {
    let bytes: Buffer;
    if (offset < this.plainStart) {
      bytes = (await this.#packed(offset)).subarray(0, most);
    } else {
      bytes = Buffer.allocUnsafeSlow(most);
      bytes = bytes.subarray(0, await this.#stored.readPlain(bytes, offset));
    }
    return offset < this.dropped ? Buffer.alloc(0) : bytes;
  }

  /** From an offset on, up to the end of what is held. */
  async #packed(offset: number): Promise<Buffer> {
    const isHeld = () => offset >= this.#heldOffset && offset < this.#heldOffset + this.#held.length;
    if (!isHeld()) {
      const frame = offset < this.dropped ? undefined : this.#stored.frameAt(offset);
      this.#held = frame === undefined ? Buffer.alloc(0) : await this.#stored.readFrame(frame);
      this.#heldOffset = frame?.offset ?? 0;
    }
    return isHeld() ? this.#held.subarray(offset - this.#heldOffset) : Buffer.alloc(0);
  }
}
