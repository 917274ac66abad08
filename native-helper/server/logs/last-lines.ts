/** The last of the lines that a search finds: they are held until it has found all. */
import { create } from '@bufbuild/protobuf';
import { JobletError } from '../../api/errors.ts';
import { type LogChunk, LogChunkSchema } from '../../api/gen/joblet_pb.js';

const NEWLINE = 0x0a;
/** That they may take together while the search goes on. */
const HELD_BYTES_MAXIMUM = 64 * 1024 * 1024;

/** @throws JobletError (exhausted) when they are too long to be held. */
export async function* lastLines(lines: AsyncIterable<LogChunk>, number: number): AsyncGenerator<LogChunk> {
  const held: LogChunk[] = [];
  let ends = 0;
  let bytes = 0;
  for await (const chunk of lines) {
    held.push(chunk);
    ends += endsIn(chunk).length;
    bytes += chunk.data.length;
    for (let [first] = held; first !== undefined && held.length > 1; [first] = held) {
      const left = ends - endsIn(first).length;
      if (left <= number) {
        break;
      }
      held.shift();
      ends = left;
      bytes -= first.data.length;
    }
    if (bytes > HELD_BYTES_MAXIMUM) {
      throw tooLong(number);
    }
  }
  const isEnded = held.at(-1)?.data.at(-1) === NEWLINE;
  yield* withoutFirst(held, ends - (isEnded ? number : number - 1));
}

/** Which of its parts end a line. */
function endsIn({ data, lineBytes }: LogChunk): number[] {
  let at = 0;
  return lineBytes.flatMap((bytes, part) => {
    at += bytes;
    return data[at - 1] === NEWLINE ? [part] : [];
  });
}

function* withoutFirst(chunks: readonly LogChunk[], lines: number): Generator<LogChunk> {
  let left = lines;
  for (const chunk of chunks) {
    const ends = endsIn(chunk);
    if (left <= 0) {
      yield chunk;
    } else if (ends.length >= left) {
      const parts = (ends[left - 1] as number) + 1;
      const bytes = chunk.lineBytes.slice(0, parts).reduce((sum, each) => sum + each, 0);
      yield create(LogChunkSchema, {
        offset: chunk.lineOffsets[parts] ?? chunk.offset,
        timeUs: chunk.lineTimesUs[parts] ?? chunk.timeUs,
        stream: chunk.stream,
        data: chunk.data.subarray(bytes),
        lineBytes: chunk.lineBytes.slice(parts),
        lineOffsets: chunk.lineOffsets.slice(parts),
        lineTimesUs: chunk.lineTimesUs.slice(parts),
      });
    }
    left -= ends.length;
  }
}

function tooLong(number: number): JobletError {
  return new JobletError('exhausted', {
    layer: 'search',
    operation: 'hold',
    object: `the last ${number} lines that match`,
    reason: `they take more than ${HELD_BYTES_MAXIMUM} bytes`,
    mend: 'Ask for fewer of them, or for all.',
  });
}
