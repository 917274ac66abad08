import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LogWriter, type Read, recordOf } from '../../../test/fixtures/log-writer.ts';
import { type LogChunk, LogPlace, LogStream } from '../../api/gen/joblet_pb.js';
import { JobChanges } from '../jobs/job-changes.ts';
import { CHUNK_BYTES_MAXIMUM } from './log-pieces.ts';
import { type LogSelection, WHOLE_LOG } from './log-range.ts';
import { type LogRequest, readLog } from './log-reader.ts';
import { LogStore } from './log-store.ts';

const JOB = 'job';
const store = new LogStore();
/** Reading as much takes ten times as long as the test has. */
const HOLE_BYTES = 64 * 2 ** 30;
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'joblet-log-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A job whose end the test decides. */
class TestJob {
  readonly changes = new JobChanges();
  ended = false;

  end(): void {
    this.ended = true;
    this.changes.announce(JOB);
  }

  read(place: string, change: Partial<LogRequest> = {}): AsyncGenerator<LogChunk> {
    return readLog({
      store,
      folder: place,
      selection: WHOLE_LOG,
      stream: LogStream.UNSPECIFIED,
      follow: false,
      hasEnded: () => this.ended,
      onChange: (listener) => this.changes.subscribe([JOB], listener),
      signal: new AbortController().signal,
      ...change,
    });
  }
}

async function collect(chunks: AsyncIterable<LogChunk>): Promise<LogChunk[]> {
  const all: LogChunk[] = [];
  for await (const chunk of chunks) {
    all.push(chunk);
  }
  return all;
}

const bytesOf = (chunks: readonly LogChunk[]) => Buffer.concat(chunks.map(({ data }) => data));

const anyReads = fc.array(
  fc.record({
    stream: fc.constantFrom<1 | 2>(1, 2),
    data: fc.uint8Array({ minLength: 1, maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    timeUs: fc.bigInt({ min: 0n, max: 5000n }),
  }),
  { maxLength: 40 },
);

const anyLines = fc.array(
  fc.record({
    stream: fc.constantFrom<1 | 2>(1, 2),
    data: fc
      .array(fc.constantFrom('a', 'bc', '\n'), { minLength: 1, maxLength: 20 })
      .map((parts) => Buffer.from(parts.join(''))),
    timeUs: fc.bigInt({ min: 0n, max: 5000n }),
  }),
  { maxLength: 30 },
);

function plainly(
  reads: readonly Read[],
  { offset, sinceUs, untilUs, tailLines, endOffset, tailBytes }: LogSelection,
  stream: number,
): string {
  let at = 0;
  let text = '';
  for (const { data, timeUs, stream: from } of reads) {
    if (timeUs >= sinceUs && (untilUs === 0n || timeUs < untilUs) && (stream === 0 || from === stream)) {
      text += data.subarray(Math.max(0, offset - at), Math.max(0, (endOffset || Infinity) - at)).toString();
    }
    at += data.length;
  }
  text = text.slice(tailBytes === 0 ? 0 : -tailBytes);
  const lines = text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
  return (tailLines === undefined ? lines : lines.slice(Math.max(0, lines.length - tailLines))).join('');
}

const FIRST_TIME_US = 1_700_000_000_000_000n;

/** With times that grow, as a clock gives them. */
function inOrder(reads: readonly Read[]): Read[] {
  let now = FIRST_TIME_US;
  return reads.map((read) => {
    now += read.timeUs;
    return { ...read, timeUs: now };
  });
}

describe('readLog', () => {
  it('gives every byte of every stream from every offset exactly once, with stream and time', async () => {
    let run = 0;
    await fc.assert(
      fc.asyncProperty(anyReads, fc.nat(12_000), fc.constantFrom(0, 1, 2), async (raw, offset, stream) => {
        run += 1;
        const reads = inOrder(raw);
        const place = mkdtempSync(join(folder, `run-${run}-`));
        using writer = new LogWriter(place);
        for (const read of reads) {
          writer.write(read);
        }
        const chunks = await collect(
          new TestJob().read(place, {
            selection: { ...WHOLE_LOG, offset },
            stream: stream as LogStream,
          }),
        );
        let at = 0;
        const wanted: Buffer[] = [];
        for (const { data, stream: from } of reads) {
          if (stream === 0 || from === stream) {
            wanted.push(data.subarray(Math.max(0, offset - at)));
          }
          at += data.length;
        }
        expect(bytesOf(chunks).equals(Buffer.concat(wanted))).toBe(true);
        const starts = startsOf(reads);
        for (const chunk of chunks) {
          const read = starts.findLast(({ start }) => start <= chunk.offset);
          expect(chunk.stream).toBe(read?.stream);
          expect(chunk.timeUs).toBe(read?.timeUs);
          expect(chunk.logBytes).toBe(BigInt(at));
        }
      }),
      { numRuns: 60 },
    );
  });

  it('gives of a selection by offsets, times, last bytes and last lines what a plain look at the log gives', async () => {
    let run = 0;
    const selections = fc.record({
      offset: fc.constantFrom(0, 1, 50, 500, 9999),
      since: fc.nat(60_000),
      until: fc.nat(60_000),
      tailLines: fc.option(fc.constantFrom(0, 1, 2, 3, 10, 1000), { nil: undefined }),
      endOffset: fc.constantFrom(0, 0, 1, 60, 400, 9999),
      tailBytes: fc.constantFrom(0, 0, 1, 30, 200, 9999),
    });
    await fc.assert(
      fc.asyncProperty(anyLines, selections, fc.constantFrom(0, 1, 2), async (raw, selection, stream) => {
        run += 1;
        const reads = inOrder(raw);
        const place = mkdtempSync(join(folder, `range-${run}-`));
        using writer = new LogWriter(place);
        for (const read of reads) {
          writer.write(read);
        }
        const time = (after: number) => (after % 3 === 0 ? 0n : FIRST_TIME_US + BigInt(after));
        const wanted = {
          offset: selection.offset,
          sinceUs: time(selection.since),
          untilUs: time(selection.until),
          tailLines: selection.tailLines,
          endOffset: selection.endOffset,
          tailBytes: selection.tailBytes,
        };
        const chunks = await collect(
          new TestJob().read(place, { selection: wanted, stream: stream as LogStream }),
        );
        expect(bytesOf(chunks).toString()).toBe(plainly(reads, wanted, stream));
        expect(wanted.tailLines === undefined || chunks[0]?.data.length === 0).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('goes on from the last lines with all that comes', async () => {
    const job = new TestJob();
    using writer = new LogWriter(folder);
    writer.write({ stream: 1, data: Buffer.from('one\ntwo\nthr'), timeUs: 1n });
    const received = collect(job.read(folder, { follow: true, selection: { ...WHOLE_LOG, tailLines: 2 } }));
    await delay(20);
    writer.write({ stream: 1, data: Buffer.from('ee\nfour\n'), timeUs: 2n });
    job.end();
    const chunks = await received;
    expect(bytesOf(chunks).toString()).toBe('two\nthree\nfour\n');
    expect(chunks[0]).toMatchObject({ offset: 4n, data: new Uint8Array() });
  });

  it('counts lines from the end of a log without reading its beginning', async () => {
    using writer = new LogWriter(folder);
    writer.writeHole(HOLE_BYTES);
    for (let line = 0; line < 1000; line += 1) {
      writer.write({ stream: 1, data: Buffer.from(`line ${line}\n`), timeUs: 2n });
    }
    const begun = performance.now();
    const chunks = await collect(new TestJob().read(folder, { selection: { ...WHOLE_LOG, tailLines: 3 } }));
    expect(bytesOf(chunks).toString()).toBe('line 997\nline 998\nline 999\n');
    expect(performance.now() - begun).toBeLessThan(1000);
  });

  it('joins history and live output without a gap or a double, while the job writes', async () => {
    const job = new TestJob();
    using writer = new LogWriter(folder);
    const received = collect(job.read(folder, { follow: true }));
    const sent: Buffer[] = [];
    for (let number = 0; number < 300; number += 1) {
      const data = Buffer.from(`line ${number}\n`.repeat(1 + (number % 50)));
      writer.write({ stream: number % 3 === 0 ? 2 : 1, data, timeUs: BigInt(number) });
      sent.push(data);
      await (number % 10 === 0 ? delay(3) : turn());
    }
    job.end();
    expect(bytesOf(await received).equals(Buffer.concat(sent))).toBe(true);
  });

  it('waits for a log that is not there yet', async () => {
    const job = new TestJob();
    const received = collect(job.read(folder, { follow: true }));
    await delay(20);
    using writer = new LogWriter(folder);
    job.changes.announce(JOB);
    await delay(20);
    writer.write({ stream: 1, data: Buffer.from('late'), timeUs: 1n });
    await delay(20);
    job.end();
    expect(bytesOf(await received).toString()).toBe('late');
  });

  it.each([
    [0, 0],
    [LogStream.STDERR, 0],
    [LogStream.STDERR, 5],
    [0, 3],
  ])(
    'gives notes at their places, whatever stream is asked for: stream %i from byte %i',
    async (stream, offset) => {
      using writer = new LogWriter(folder);
      writer.write({ stream: 1, data: Buffer.from('first'), timeUs: 1n });
      writer.note(1);
      writer.write({ stream: 2, data: Buffer.from('second'), timeUs: 2n });
      writer.note(17, [7, 900]);
      writer.note(3);
      const chunks = await collect(
        new TestJob().read(folder, { stream, selection: { ...WHOLE_LOG, offset } }),
      );
      const notes = chunks.flatMap(({ offset: at, note }) =>
        note === undefined ? [] : [[at, note.place, note.sampled?.lines]],
      );
      expect(notes).toEqual([
        [5n, LogPlace.MEMORY, undefined],
        [11n, LogPlace.UNSPECIFIED, 7n],
        [11n, LogPlace.DISK, undefined],
      ]);
      const text = stream === 0 ? 'firstsecond'.slice(offset) : 'second';
      expect(bytesOf(chunks).toString()).toBe(text);
    },
  );

  it('gives a follower each note once, as it comes', async () => {
    using writer = new LogWriter(folder);
    const job = new TestJob();
    const received = collect(job.read(folder, { follow: true }));
    writer.write({ stream: 1, data: Buffer.from('first'), timeUs: 1n });
    await delay(30);
    writer.note(1);
    await delay(30);
    writer.write({ stream: 1, data: Buffer.from('second'), timeUs: 2n });
    await delay(30);
    writer.note(3);
    job.end();
    expect((await received).map(({ data, note }) => note?.place ?? Buffer.from(data).toString())).toEqual([
      'first',
      LogPlace.MEMORY,
      'second',
      LogPlace.DISK,
    ]);
  });

  it('trusts no record beyond its bytes, and no byte beyond its record', async () => {
    using writer = new LogWriter(folder);
    writer.write({ stream: 1, data: Buffer.from('whole'), timeUs: 1n });
    writer.writeIndex(recordOf(2n, 5, 100, 2));
    writer.writeLog(Buffer.from('part'));
    const job = new TestJob();
    expect(bytesOf(await collect(job.read(folder))).toString()).toBe('wholepart');
    writer.writeLog(Buffer.alloc(96, 0x2e));
    writer.writeLog(Buffer.from('without a record'));
    expect(bytesOf(await collect(job.read(folder))).length).toBe(105);
  });

  it('ends for who does not follow, however fast the job writes', async () => {
    using writer = new LogWriter(folder);
    const block = Buffer.alloc(64 * 1024);
    writer.write({ stream: 1, data: block, timeUs: 1n });
    writer.write({ stream: 2, data: block, timeUs: 2n });
    let received = 0;
    for await (const { data } of new TestJob().read(folder)) {
      received += data.length;
      writer.write({ stream: 1, data: block, timeUs: 3n });
    }
    expect(received).toBe(2 * block.length);
  });

  it('cuts large reads into chunks of bounded size', async () => {
    using writer = new LogWriter(folder);
    const data = Buffer.alloc(CHUNK_BYTES_MAXIMUM * 2 + 5, 0x61);
    writer.write({ stream: 1, data, timeUs: 1n });
    const chunks = await collect(new TestJob().read(folder));
    expect(chunks.map((chunk) => chunk.data.length)).toEqual([CHUNK_BYTES_MAXIMUM, CHUNK_BYTES_MAXIMUM, 5]);
  });

  it.each([LogStream.UNSPECIFIED, LogStream.STDERR])(
    'says with each chunk how long the log of both streams is by then, to a reader of stream %i',
    async (stream) => {
      using writer = new LogWriter(folder);
      const job = new TestJob();
      const block = Buffer.alloc(CHUNK_BYTES_MAXIMUM);
      writer.write({ stream: 2, data: block, timeUs: 1n });
      writer.write({ stream: 2, data: block, timeUs: 2n });
      const chunks = job.read(folder, { stream, follow: true });
      const lengths: bigint[] = [];
      for await (const { logBytes } of chunks) {
        lengths.push(logBytes / BigInt(block.length));
        if (lengths.length === 1) {
          writer.write({ stream: 1, data: Buffer.alloc(3 * block.length), timeUs: 3n });
          writer.write({ stream: 2, data: block, timeUs: 4n });
          job.end();
        }
      }
      expect(lengths).toEqual(stream === LogStream.STDERR ? [2n, 6n, 6n] : [2n, 6n, 6n, 6n, 6n, 6n]);
    },
  );

  it('reads ahead of a slow reader no further than one block', async () => {
    using writer = new LogWriter(folder);
    const job = new TestJob();
    for (let number = 0; number < 64; number += 1) {
      writer.write({ stream: 1, data: Buffer.alloc(1024 * 1024), timeUs: BigInt(number) * 10_000n });
    }
    const before = process.memoryUsage().arrayBuffers;
    const chunks = job.read(folder);
    await chunks.next();
    await delay(50);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(4 * CHUNK_BYTES_MAXIMUM);
    await chunks.return(undefined);
  });

  it('lets go when its reader does', async () => {
    using _ = new LogWriter(folder);
    const abort = new AbortController();
    const received = collect(new TestJob().read(folder, { follow: true, signal: abort.signal }));
    await delay(20);
    abort.abort();
    expect(await received).toEqual([]);
  });

  it.each([
    ['a gap', recordOf(2n, 7, 1, 1), /gap before offset 7/],
    ['a stream that is none', recordOf(2n, 5, 1, 9), /stream 9/],
    ['a kind that it does not know', recordOf(2n, 5, 1, 1, { kind: 9 }), /kind 9/],
  ])('says where an index is damaged: %s', async (_, record, message) => {
    using writer = new LogWriter(folder);
    writer.write({ stream: 1, data: Buffer.from('whole'), timeUs: 1n });
    writer.writeIndex(record);
    writer.writeLog(Buffer.from('rest'));
    await expect(collect(new TestJob().read(folder))).rejects.toThrow(message);
  });
});

/** Where each read's bytes begin in the log. */
function startsOf(reads: readonly Read[]) {
  let at = 0n;
  return reads.map(({ stream, timeUs, data }) => {
    const start = at;
    at += BigInt(data.length);
    return { start, stream, timeUs };
  });
}
