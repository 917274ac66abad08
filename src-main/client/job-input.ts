/**
 * The input of a job across restarts of the helper: every byte once. The job's monitor counts what the input has taken; what was sent and is
 * not counted when a connection breaks is sent again.
 */
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { AttachJobRequestSchema } from '../../native-helper/api/gen/joblet_pb.js';

export type AttachMessage = MessageInitShape<typeof AttachJobRequestSchema>;

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** What a person or a file has for a job. */
export type InputEntry =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'size'; readonly size: TerminalSize };

/** Read and not taken yet: so much of a file is held for a job that does not read. */
const WINDOW_BYTES = 1024 * 1024;
/** The most that one message may have. */
const MESSAGE_BYTES = 64 * 1024;

export class JobInput {
  /** What is not taken, in its order. */
  #chunks: Uint8Array[] = [];
  /** Bytes of ours before the first of them, and up to the end of the last. */
  #taken = 0;
  #read = 0;
  #size: TerminalSize | undefined;
  #hasEnded = false;
  /** What the job's input had taken before ours began. */
  #base: bigint | undefined;
  #changed = Promise.withResolvers<void>();

  /** Reads on as the job takes what was read; at the end of it the job's input ends. */
  async readFrom(entries: AsyncIterable<InputEntry>): Promise<void> {
    for await (const entry of entries) {
      if (entry.kind === 'size') {
        this.#size = entry.size;
        this.#change();
      } else {
        await this.#add(entry.bytes);
      }
    }
    this.#hasEnded = true;
    this.#change();
  }

  /** @param total bytes that the job's input has taken, of all callers */
  taken(total: bigint): void {
    this.#base ??= total;
    let bytes = Number(total - this.#base) - this.#taken;
    this.#taken += bytes;
    for (let first = this.#chunks[0]; bytes > 0 && first !== undefined; first = this.#chunks[0]) {
      if (bytes < first.length) {
        this.#chunks[0] = first.subarray(bytes);
        break;
      }
      this.#chunks.shift();
      bytes -= first.length;
    }
    this.#change();
  }

  /**
   * What one connection has to send, once it is attached: first what was sent on an earlier one and not taken. Ends with the input.
   *
   * @param signal aborted when the connection is over
   */
  async *messages(signal: AbortSignal): AsyncGenerator<AttachMessage> {
    const onAbort = () => this.#change();
    signal.addEventListener('abort', onAbort, { once: true });
    let position = this.#taken;
    let size: TerminalSize | undefined;
    while (!signal.aborted) {
      const bytes = this.#at(position);
      if (this.#size !== undefined && size !== this.#size) {
        size = this.#size;
        yield { message: { case: 'resize', value: size } };
      } else if (bytes !== undefined) {
        position += bytes.length;
        yield { message: { case: 'input', value: bytes } };
      } else if (this.#hasEnded) {
        yield { message: { case: 'endOfInput', value: {} } };
        return;
      } else {
        await this.#changed.promise;
      }
    }
  }

  async #add(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; at += MESSAGE_BYTES) {
      while (this.#read - this.#taken >= WINDOW_BYTES) {
        await this.#changed.promise;
      }
      const chunk = bytes.slice(at, at + MESSAGE_BYTES);
      this.#chunks.push(chunk);
      this.#read += chunk.length;
      this.#change();
    }
  }

  /** What follows on that many bytes of ours, up to the end of a chunk. */
  #at(position: number): Uint8Array | undefined {
    let start = this.#taken;
    for (const chunk of this.#chunks) {
      if (position < start + chunk.length) {
        return chunk.subarray(Math.max(0, position - start));
      }
      start += chunk.length;
    }
    return undefined;
  }

  #change(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
