import { closeSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { LogWriter, type Read } from '../../../test/fixtures/log-writer.ts';
import { type LogChunk, LogStream } from '../../api/gen/joblet_pb.js';
import { createSealedMemfd } from '../../kernel/memfd.ts';
import { loadAssets } from '../assets.ts';
import { JobChanges } from '../jobs/job-changes.ts';
import type { Pattern } from './grep.ts';
import { compressLog } from './log-compressor.ts';
import { WHOLE_LOG } from './log-range.ts';
import { type LogSearchRequest, searchLog } from './log-search.ts';
import { LogStore } from './log-store.ts';

const JOB = 'job';
const store = new LogStore();
const FIRST_TIME_US = 1_700_000_000_000_000n;
const TIMES_OF_PROPERTY = 60;
let executorFd: number;
let folder: string;

beforeAll(() => {
  executorFd = createSealedMemfd('joblet-executor', loadAssets().executor);
});
afterAll(() => closeSync(executorFd));
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'joblet-search-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function request(
  place: string,
  pattern: Partial<Pattern>,
  change: Partial<LogSearchRequest> = {},
): LogSearchRequest {
  return {
    executorFd,
    pattern: { text: 'a', fixed: false, ignoreCase: false, ...pattern },
    store,
    folder: place,
    selection: WHOLE_LOG,
    placesOnly: false,
    stream: LogStream.UNSPECIFIED,
    follow: false,
    hasEnded: () => true,
    onChange: (listener) => new JobChanges().subscribe([JOB], listener),
    signal: new AbortController().signal,
    ...change,
  };
}

function written(place: string, reads: readonly Read[]): string {
  using writer = new LogWriter(place);
  for (const read of reads) {
    writer.write(read);
  }
  return place;
}

const read = (text: string, stream: 1 | 2 = 1, after = 0n): Read => ({
  stream,
  data: Buffer.from(text),
  timeUs: FIRST_TIME_US + after,
});

async function textOf(search: LogSearchRequest): Promise<string> {
  return Buffer.concat((await chunksOf(search)).map(({ data }) => data)).toString();
}

async function chunksOf(search: LogSearchRequest): Promise<LogChunk[]> {
  const chunks: LogChunk[] = [];
  for await (const chunk of searchLog(search)) {
    chunks.push(chunk);
  }
  return chunks;
}

const anyReads = fc.array(
  fc.record({
    stream: fc.constantFrom<1 | 2>(1, 2),
    data: fc
      .array(fc.constantFrom('a', 'b', 'c\n', '\n'), { minLength: 1, maxLength: 12 })
      .map((parts) => Buffer.from(parts.join(''))),
    timeUs: fc.bigInt({ min: 0n, max: 5000n }),
  }),
  { maxLength: 30 },
);

/** Each byte of the log with what is known of it. */
function bytesOf(reads: readonly Read[]) {
  let now = FIRST_TIME_US;
  const timed = reads.map((each) => {
    now += each.timeUs;
    return { ...each, timeUs: now };
  });
  let offset = 0;
  const bytes = timed.flatMap(({ data, stream, timeUs }) =>
    [...data.toString()].map((character) => ({ character, stream, timeUs, offset: offset++ })),
  );
  return { timed, bytes };
}

/** @returns the pid of the grep that is our child. */
async function runningGrep(): Promise<string> {
  for (;;) {
    const children = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8').split(' ');
    const grep = children.find((pid) => pid !== '' && readFileSync(`/proc/${pid}/comm`, 'utf8') === 'grep\n');
    if (grep !== undefined) {
      return grep;
    }
    await delay(5);
  }
}

describe('searchLog', () => {
  it('finds the lines that a plain reading finds, and tells of each byte where it lies and when it came', async () => {
    let run = 0;
    const anyTail = fc.constantFrom(undefined, 0, 1, 2, 5);
    await fc.assert(
      fc.asyncProperty(
        anyReads,
        fc.constantFrom(0, 1, 2),
        anyTail,
        fc.boolean(),
        fc.nat(40),
        async (reads, stream, tailLines, isWhole, from) => {
          run += 1;
          const { timed, bytes } = bytesOf(reads);
          const place = written(mkdtempSync(join(folder, `run-${run}-`)), timed);
          const searched = bytes.filter(
            (byte) => byte.offset >= from && (stream === 0 || byte.stream === stream),
          );
          const lines: (typeof searched)[] = [[]];
          for (const byte of searched) {
            lines.at(-1)?.push(byte);
            if (byte.character === '\n') {
              lines.push([]);
            }
          }
          const matching = lines.filter((line) => line.some(({ character }) => character === 'a'));
          const wanted = matching.slice(Math.max(0, matching.length - (tailLines ?? matching.length)));
          const chunks = await chunksOf(
            request(
              place,
              {},
              {
                stream: stream as LogStream,
                selection: { ...WHOLE_LOG, offset: from, tailLines },
                hasEnded: () => isWhole,
              },
            ),
          );
          const got = chunks.flatMap(({ data, stream: of, lineBytes, lineOffsets, lineTimesUs }) => {
            let at = 0;
            return lineBytes.flatMap((length, part) => {
              const text = Buffer.from(data.subarray(at, at + length)).toString();
              at += length;
              return [...text].map((character, index) => ({
                character,
                stream: of as number,
                timeUs: lineTimesUs[part],
                offset: Number(lineOffsets[part]) + index,
              }));
            });
          });
          expect(got).toEqual(tailLines === 0 ? [] : wanted.flat());
          const places = await chunksOf(
            request(
              place,
              {},
              {
                placesOnly: true,
                stream: stream as LogStream,
                selection: { ...WHOLE_LOG, offset: from },
                hasEnded: () => isWhole,
              },
            ),
          );
          const begun = matching.map(([first]) => BigInt(first?.offset ?? 0));
          expect(places.flatMap(({ lineOffsets }) => lineOffsets)).toEqual(begun);
          expect(places.every(({ data }) => data.length === 0)).toBe(true);
        },
      ),
      { numRuns: TIMES_OF_PROPERTY },
    );
  });

  it.each([
    ['an expression', 'x(1|3)$', {}, 'x1\nx3\n'],
    ['the text itself', '.', { fixed: true }, 'a.b\n'],
    ['whatever the case', 'X2', { ignoreCase: true }, 'x2\n'],
    ['a character of two bytes', '^.$', {}, 'é\n'],
    ['what looks like an option', '-e', {}, '-e\n'],
  ])('finds %s', async (_, text, options, found) => {
    const place = written(folder, [read('x1\nx2\nx3\na.b\n-e\né\n\xff\0binary\n')]);
    expect(await textOf(request(place, { text, ...options }))).toBe(found);
  });

  it('gives bytes that are no text as they are, and a last line without an end without one', async () => {
    using writer = new LogWriter(folder);
    const data = Buffer.from([0, 0xff, 0x61, 0x1b, 0x0a, 0x61, 0xfe]);
    writer.write({ stream: 1, data, timeUs: FIRST_TIME_US });
    const chunks = await chunksOf(request(folder, { text: 'a', fixed: true }));
    expect(Buffer.concat(chunks.map((chunk) => chunk.data))).toEqual(data);
  });

  it('tells how far it has come while it finds nothing', async () => {
    using writer = new LogWriter(folder);
    writer.write(read('b\n'.repeat(1000)));
    const leaving = new AbortController();
    const search = request(
      folder,
      {},
      { placesOnly: true, follow: true, hasEnded: () => false, signal: leaving.signal },
    );
    const following = searchLog(search);
    const first = (await following.next()).value as LogChunk;
    expect(first).toMatchObject({ offset: 2000n, lineOffsets: [] });
    leaving.abort(new Error('left'));
    await expect(following.next()).rejects.toThrow('left');
  });

  it('finds in a part that ends before a byte', async () => {
    const place = written(folder, [read('a1\nb\na2\na3\n')]);
    const selection = { ...WHOLE_LOG, offset: 3, endOffset: 8 };
    expect(await textOf(request(place, {}, { selection }))).toBe('a2\n');
  });

  it('follows: lines are told as they end', async () => {
    using writer = new LogWriter(folder);
    writer.write(read('a1\nb\n'));
    const leaving = new AbortController();
    const seen: string[] = [];
    const following = (async () => {
      const search = request(folder, {}, { follow: true, hasEnded: () => false, signal: leaving.signal });
      for await (const { data } of searchLog(search)) {
        seen.push(Buffer.from(data).toString());
      }
    })();
    following.catch(() => {});
    const until = async (text: string) => {
      while (seen.join('') !== text) {
        await delay(5);
      }
    };
    await until('a1\n');
    writer.write(read('a2\na'));
    await until('a1\na2\n');
    writer.write(read('3\n'));
    await until('a1\na2\na3\n');
    leaving.abort(new Error('left'));
    await expect(following).rejects.toThrow('left');
  });

  it.each([
    ['(a', 'Unmatched ('],
    ['a{99999}', 'too big'],
    ['[b-a]', 'range'],
  ])('says what is wrong with the pattern %s', async (text, reason) => {
    const place = written(folder, [read('a\n')]);
    for (const isWhole of [true, false]) {
      const search = request(place, { text }, { hasEnded: () => isWhole });
      await expect(textOf(search)).rejects.toMatchObject({ kind: 'invalid' });
      await expect(textOf(search)).rejects.toThrow(new RegExp(reason.replace(/[()]/g, '\\$&'), 'i'));
    }
  });

  it('ends the search of a reader that leaves, however long the pattern takes', async () => {
    const place = written(folder, [read(`${'a'.repeat(3000)}b\n`)]);
    const leaving = new AbortController();
    const text = '^(a*)(a*)(a*)(a*)\\1\\2\\3\\4$';
    const searching = textOf(request(place, { text }, { signal: leaving.signal }));
    searching.catch(() => {});
    const grep = await runningGrep();
    expect(readFileSync(`/proc/${grep}/status`, 'utf8')).toMatch(
      /Uid:\t65534\t65534\t65534\t65534\nGid:\t65534\t65534\t65534\t65534\n.*Groups:\t \n.*CapPrm:\t0+\n.*NoNewPrivs:\t1\n/s,
    );
    leaving.abort(new Error('left'));
    await expect(searching).rejects.toThrow('left');
    while (existsSync(`/proc/${grep}`)) {
      await delay(5);
    }
  });

  it('finds nothing in a log that there is not', async () => {
    expect(await textOf(request(folder, {}))).toBe('');
  });

  it('finds in a log that is compressed, in part or whole, what it finds in the log as it was', async () => {
    const line = (number: number) => `line ${number} of the log\n`;
    const reads = Array.from({ length: 3000 }, (_, block) =>
      read(Array.from({ length: 40 }, (__, number) => line(block * 40 + number)).join(''), 1, BigInt(block)),
    );
    const place = written(folder, reads);
    const plain = await chunksOf(request(place, { text: '7777 ' }));
    expect(plain.flatMap(({ lineBytes }) => lineBytes).length).toBe(12);
    for (const share of [0.5, 1]) {
      await compress(place, share);
      for (const change of [
        {},
        { selection: { ...WHOLE_LOG, offset: 1_000_000 } },
        { stream: LogStream.STDOUT },
      ]) {
        const before = await textOf(request(place, { text: '77 ' }, change));
        const all = reads.map(({ data }) => data.toString()).join('');
        const from = change.selection?.offset ?? 0;
        expect(before).toBe(
          all
            .slice(from)
            .match(/[^\n]*77 [^\n]*\n/g)
            ?.join(''),
        );
      }
    }
  });

  it('finds what is left of a log whose beginning was taken away, and says how much that was', async () => {
    const line = 'a line that matches\n';
    const place = written(
      folder,
      Array.from({ length: 1000 }, (_, number) => read(line, 1, BigInt(number))),
    );
    await compress(place, 0.5);
    await using shared = await store.share(place);
    await shared?.log.drop(100 * line.length);
    const [first, ...rest] = await chunksOf(request(place, { text: 'matches' }));
    expect(first?.droppedBytes).toBe(BigInt(100 * line.length));
    expect(rest.flatMap(({ lineBytes }) => lineBytes)).toHaveLength(900);
  });
});

async function compress(place: string, share: number): Promise<void> {
  await using shared = await store.share(place);
  const { log } = shared as NonNullable<typeof shared>;
  const until = Math.floor((await log.size()) * share);
  await compressLog(log, { until, isWhole: true, restFactor: 0, signal: new AbortController().signal });
  expect(log.plainStart).toBe(until);
}
