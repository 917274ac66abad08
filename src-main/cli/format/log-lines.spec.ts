import { create } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type LogChunk, LogChunkSchema, LogStream } from '../../../native-helper/api/gen/joblet_pb.js';
import { type LogLine, LogLines, labelled, mergedByTime } from './log-lines.ts';

const { STDOUT, STDERR } = LogStream;

const chunk = (stream: LogStream, timeUs: bigint, text: string) =>
  create(LogChunkSchema, { stream, timeUs, data: Buffer.from(text) });

function linesOf(chunks: readonly LogChunk[]): [bigint, string][] {
  const lines = new LogLines();
  const all = [...chunks.flatMap((each) => [...lines.take(each)]), ...lines.rest()];
  return all.map(({ timeUs, bytes }) => [timeUs, Buffer.from(bytes).toString()]);
}

it('a line has the time of its first byte, and none of the other stream in it', () => {
  const chunks = [
    chunk(STDOUT, 1n, 'one\ntw'),
    chunk(STDERR, 2n, 'err'),
    chunk(STDOUT, 3n, 'o\n\nthr'),
    chunk(STDERR, 4n, 'or\n'),
  ];
  expect(linesOf(chunks)).toEqual([
    [1n, 'one\n'],
    [1n, 'two\n'],
    [3n, '\n'],
    [2n, 'error\n'],
    [3n, 'thr'],
  ]);
});

it('lines that were found have each its own time', () => {
  const found = create(LogChunkSchema, {
    stream: STDOUT,
    timeUs: 1n,
    data: Buffer.from('one\ntwo\n'),
    lineBytes: [4, 2, 2],
    lineTimesUs: [1n, 5n, 6n],
  });
  expect(linesOf([found])).toEqual([
    [1n, 'one\n'],
    [5n, 'two\n'],
  ]);
});

it('every byte of a stream is in its lines once, in order', () => {
  const anyChunk = fc.record({
    stream: fc.constantFrom(STDOUT, STDERR),
    timeUs: fc.bigInt({ min: 1n, max: 9n }),
    text: fc.array(fc.constantFrom('a', '\n', 'bcd'), { maxLength: 9 }).map((parts) => parts.join('')),
  });
  fc.assert(
    fc.property(fc.array(anyChunk), (chunks) => {
      for (const stream of [STDOUT, STDERR]) {
        const own = chunks.filter((each) => each.stream === stream);
        const lines = linesOf(own.map(({ timeUs, text }) => chunk(stream, timeUs, text)));
        expect(lines.map(([, text]) => text).join('')).toBe(own.map(({ text }) => text).join(''));
        expect(lines.slice(0, -1).every(([, text]) => /^[^\n]*\n$/.test(text))).toBe(true);
      }
    }),
  );
});

it('a line without an end does not grow for ever', () => {
  const lines = linesOf(Array.from({ length: 5 }, () => chunk(STDOUT, 1n, 'x'.repeat(500_000))));
  expect(lines.map(([, text]) => text.length)).toEqual([1_048_576, 1_048_576, 402_848]);
});

it('several logs come by time, each in its own order', async () => {
  async function* log(times: readonly bigint[]): AsyncGenerator<LogLine> {
    for (const timeUs of times) {
      yield { timeUs, bytes: Buffer.from(`${timeUs}`) };
    }
  }
  const merged = mergedByTime([
    labelled('a', log([1n, 4n, 3n, 9n])),
    labelled('b', log([2n, 2n, 5n])),
    labelled('c', log([])),
  ]);
  const order: string[] = [];
  for await (const { label, timeUs } of merged) {
    order.push(`${label}${timeUs}`);
  }
  expect(order).toEqual(['a1', 'b2', 'b2', 'a4', 'a3', 'b5', 'a9']);
});
