/** A log as lines, for what is put before each of them: its time, its job. */
import type { LogChunk, LogStream } from '../../../native-helper/api/gen/joblet_pb.js';

export const NEWLINE = 0x0a;
/** Of a line that has not ended: what is longer is broken into lines of this length, or a job without newlines would fill our memory. */
const LINE_BYTES_MAXIMUM = 1_048_576;

export interface LogLine {
  /** µs since the epoch: when its first byte was read from the job. */
  readonly timeUs: bigint;
  /** With its newline; the last of a log may have none. */
  readonly bytes: Uint8Array;
}

interface BegunLine {
  readonly timeUs: bigint;
  readonly parts: Uint8Array[];
  length: number;
}

/** Puts together what came in pieces, each stream for itself. */
export class LogLines {
  readonly #begun = new Map<LogStream, BegunLine>();

  /** The lines that end with what came now. */
  *take(chunk: LogChunk): Generator<LogLine> {
    let from = 0;
    for (const [part, bytes] of chunk.lineBytes.entries()) {
      const { [part]: timeUs = chunk.timeUs } = chunk.lineTimesUs;
      yield* this.#take(chunk.stream, timeUs, chunk.data.subarray(from, from + bytes));
      from += bytes;
    }
    yield* this.#take(chunk.stream, chunk.timeUs, chunk.data.subarray(from));
  }

  *#take(stream: LogStream, timeUs: bigint, data: Uint8Array): Generator<LogLine> {
    for (let from = 0; from < data.length; ) {
      const newline = data.indexOf(NEWLINE, from);
      const end = newline < 0 ? data.length : newline + 1;
      const line = this.#begun.get(stream) ?? { timeUs, parts: [], length: 0 };
      const part = data.subarray(from, Math.min(end, from + LINE_BYTES_MAXIMUM - line.length));
      line.parts.push(part);
      line.length += part.length;
      from += part.length;
      if (part.at(-1) === NEWLINE || line.length === LINE_BYTES_MAXIMUM) {
        this.#begun.delete(stream);
        yield wholeOf(line);
      } else {
        this.#begun.set(stream, line);
      }
    }
  }

  /** What has not ended when the log has, in the order in which it began. */
  rest(): LogLine[] {
    const lines = [...this.#begun.values()].map(wholeOf);
    this.#begun.clear();
    return lines;
  }
}

function wholeOf({ timeUs, parts }: BegunLine): LogLine {
  return { timeUs, bytes: Buffer.concat(parts) };
}

export async function* linesOf(chunks: AsyncIterable<LogChunk>): AsyncGenerator<LogLine> {
  const lines = new LogLines();
  for await (const chunk of chunks) {
    yield* lines.take(chunk);
  }
  yield* lines.rest();
}

export interface LabelledLine extends LogLine {
  readonly label: string;
}

export async function* labelled(label: string, lines: AsyncIterable<LogLine>): AsyncGenerator<LabelledLine> {
  for await (const line of lines) {
    yield { ...line, label };
  }
}

/** Several logs as one, by time. Each log stays in its own order, even where its times fall. */
export async function* mergedByTime(
  logs: readonly AsyncIterable<LabelledLine>[],
): AsyncGenerator<LabelledLine> {
  const heads: { line: LabelledLine; readonly rest: AsyncIterator<LabelledLine> }[] = [];
  for (const log of logs) {
    const rest = log[Symbol.asyncIterator]();
    const { done, value } = await rest.next();
    if (!done) {
      heads.push({ line: value, rest });
    }
  }
  while (heads.length > 0) {
    const earliest = heads.reduce((least, head) => (head.line.timeUs < least.line.timeUs ? head : least));
    yield earliest.line;
    const { done, value } = await earliest.rest.next();
    if (done) {
      heads.splice(heads.indexOf(earliest), 1);
    } else {
      earliest.line = value;
    }
  }
}
