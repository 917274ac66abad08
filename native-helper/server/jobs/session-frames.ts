/** The frames of a session's connection (docs/monitor-protocol.md): u32 type, u32 size, then the payload, all little-endian. */

export const MAX_PAYLOAD_BYTES = 64 * 1024;
const HEADER_BYTES = 8;

const ORDER = { attach: 1, exec: 2, input: 3, endOfInput: 4, resize: 5 } as const;

const EVENTS = [
  undefined,
  'started',
  'stdout',
  'stderr',
  'exited',
  'refused',
  'inputClosed',
  'taken',
] as const;
type EventName = Exclude<(typeof EVENTS)[number], undefined>;

/** What a monitor says in a session. */
export interface SessionFrame {
  readonly event: EventName;
  readonly payload: Buffer;
}

export interface TerminalSize {
  /** Cells, at most 65535; 0 = not known. */
  readonly columns: number;
  readonly rows: number;
}

export interface ExecRequest {
  readonly argv: readonly string[];
  readonly terminal: TerminalSize | undefined;
  readonly hasInput: boolean;
  /** The value of TERM; empty: as the job's own. */
  readonly term: string;
}

function order(type: (typeof ORDER)[keyof typeof ORDER], payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const frame = Buffer.allocUnsafe(HEADER_BYTES + payload.length);
  frame.writeUInt32LE(type, 0);
  frame.writeUInt32LE(payload.length, 4);
  frame.set(payload, HEADER_BYTES);
  return frame;
}

export const attachOrder = (): Buffer => order(ORDER.attach);
export const endOfInputOrder = (): Buffer => order(ORDER.endOfInput);

/** @param bytes 1 … MAX_PAYLOAD_BYTES */
export const inputOrder = (bytes: Uint8Array): Buffer => order(ORDER.input, bytes);

export const resizeOrder = (size: TerminalSize): Buffer =>
  order(ORDER.resize, words(size.columns, size.rows));

/** @throws RangeError when the request is larger than a frame. */
export function execOrder({ argv, terminal, hasInput, term }: ExecRequest): Buffer {
  const payload = Buffer.concat([
    words((terminal === undefined ? 0 : 1) | (hasInput ? 2 : 0), terminal?.columns ?? 0, terminal?.rows ?? 0),
    text(term),
    words(argv.length),
    ...argv.map(text),
  ]);
  if (payload.length > MAX_PAYLOAD_BYTES) {
    throw new RangeError(`${payload.length} bytes, ${MAX_PAYLOAD_BYTES} are allowed`);
  }
  return order(ORDER.exec, payload);
}

function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(4 * values.length);
  for (const [index, value] of values.entries()) {
    bytes.writeUInt32LE(value, 4 * index);
  }
  return bytes;
}

/** As the plan has it: length, UTF-8, NUL. */
function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([words(bytes.length), bytes, Buffer.alloc(1)]);
}

/** Cuts what a monitor sends into frames. */
export class FrameReader {
  #unread: Buffer = Buffer.alloc(0);

  /** @throws RangeError when it is what no monitor sends. */
  *read(bytes: Buffer): Generator<SessionFrame> {
    let rest = this.#unread.length === 0 ? bytes : Buffer.concat([this.#unread, bytes]);
    while (rest.length >= HEADER_BYTES) {
      const event = EVENTS[rest.readUInt32LE(0)];
      const end = HEADER_BYTES + rest.readUInt32LE(4);
      if (event === undefined || end > HEADER_BYTES + MAX_PAYLOAD_BYTES) {
        throw new RangeError('a frame that no monitor sends');
      }
      if (rest.length < end) {
        break;
      }
      yield { event, payload: rest.subarray(HEADER_BYTES, end) };
      rest = rest.subarray(end);
    }
    this.#unread = rest;
  }
}
