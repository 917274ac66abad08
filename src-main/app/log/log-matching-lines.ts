/** Lines that match, with their text: a page of them at a time. */
import type { LogChunk } from '../../../native-helper/api/gen/joblet_pb.js';
import type { Client } from '../../client/index.ts';
import type { LogPiece, RequestPayload, Response } from '../../ipc/contract.ts';
import type { Link } from '../link.ts';
import { acrossLosses } from './across-losses.ts';
import { pieceOf } from './log-parts.ts';
import { LOG_STREAMS } from './log-streams.ts';

const NEWLINE = 0x0a;
/** Of a line; what is more of it can be seen among all lines. */
const LINE_BYTES_MAXIMUM = 16 * 1024;

/** Most have one line, and take the time of a call. */
const RANGES_AT_ONCE = 8;

type LinesRequest = RequestPayload<'log.lines'>;
type Range = LinesRequest['ranges'][number];

export function readMatchingLines(
  link: Link,
  request: LinesRequest,
  signal: AbortSignal,
): Promise<Response<'log.lines'>> {
  return acrossLosses(link, signal, async (client) => {
    const { ranges, edge, lines } = request;
    const inOrder = edge === 'first' ? ranges : ranges.toReversed();
    const found: BoundedLines[] = [];
    let left = lines;
    for (let at = 0; at < inOrder.length && left > 0; at += RANGES_AT_ONCE) {
      const some = inOrder.slice(at, at + RANGES_AT_ONCE);
      for (const each of await Promise.all(
        some.map((range) => linesOf(client, request, range, lines, signal)),
      )) {
        left -= each.count;
        found.push(each);
      }
    }
    const all = edge === 'first' ? found : found.reverse();
    return { pieces: all.flatMap(({ pieces }) => pieces), isAll: left > 0 };
  });
}

async function linesOf(
  { jobs }: Client,
  { uuid, stream, pattern, edge }: LinesRequest,
  { from, to, last }: Range,
  most: number,
  signal: AbortSignal,
): Promise<BoundedLines> {
  const lines = new BoundedLines();
  const whose = { id: uuid, stream: LOG_STREAMS[stream] };
  if (from < to) {
    const part = { ...whose, pattern, offset: BigInt(from), endOffset: BigInt(to) };
    const tail = edge === 'last' ? { tailLines: most } : {};
    for await (const chunk of jobs.getLogs({ ...part, ...tail }, { signal })) {
      if (!lines.take(chunk, most)) {
        break;
      }
    }
  }
  if (last !== null && (lines.count < most || edge === 'last')) {
    for await (const chunk of jobs.getLogs({ ...whose, offset: BigInt(last) }, { signal })) {
      if (!lines.takeLine(chunk)) {
        break;
      }
    }
  }
  return lines;
}

class BoundedLines {
  readonly pieces: LogPiece[] = [];
  count = 0;
  /** Of the line that has not ended. */
  #bytes = 0;

  /** @returns whether more is wanted: `most` lines are enough. */
  take(chunk: LogChunk, most: number): boolean {
    let at = 0;
    for (const [part, bytes] of chunk.lineBytes.entries()) {
      if (this.count >= most) {
        return false;
      }
      const data = chunk.data.subarray(at, at + bytes);
      this.#add({ ...pieceOf(chunk, data), ...placeOf(chunk, part) });
      at += bytes;
    }
    return this.count < most;
  }

  /** @returns whether the line goes on. */
  takeLine(chunk: LogChunk): boolean {
    const end = chunk.data.indexOf(NEWLINE) + 1;
    this.#add(pieceOf(chunk, end === 0 ? chunk.data : chunk.data.subarray(0, end)));
    return end === 0 && this.#bytes < LINE_BYTES_MAXIMUM;
  }

  #add(piece: LogPiece): void {
    const { data, offset } = piece;
    const room = LINE_BYTES_MAXIMUM - this.#bytes;
    const isEnd = data.at(-1) === NEWLINE;
    if (data.length <= room) {
      this.pieces.push(piece);
    } else {
      this.pieces.push({ ...piece, data: data.subarray(0, room) });
      if (isEnd) {
        this.pieces.push({ ...piece, data: data.subarray(-1), offset: offset + data.length - 1 });
      }
    }
    this.#bytes = isEnd ? 0 : Math.min(LINE_BYTES_MAXIMUM, this.#bytes + data.length);
    this.count += isEnd ? 1 : 0;
  }
}

function placeOf({ lineOffsets, lineTimesUs }: LogChunk, part: number) {
  return { offset: Number(lineOffsets[part]), timeUs: Number(lineTimesUs[part]) };
}
