import { execFileSync } from 'node:child_process';
import {
  closeSync,
  fstatSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LogWriter } from '../../../test/fixtures/log-writer.ts';
import { type LogChunk, LogStream } from '../../api/gen/joblet_pb.js';
import { compressLog } from './log-compressor.ts';
import { FRAME_BYTES } from './log-frames.ts';
import { WHOLE_LOG } from './log-range.ts';
import { type LogRequest, readLog } from './log-reader.ts';
import { LogStore } from './log-store.ts';

const NEVER = new AbortController().signal;
const FIRST_TIME_US = 1_700_000_000_000_000n;
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'joblet-compressor-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Lines that shrink, and in each fifth mebibyte bytes that don't. */
function output(bytes: number): Buffer {
  const all = Buffer.alloc(bytes);
  let random = 1;
  for (let at = 0, line = 0; at < bytes; line += 1) {
    if (Math.floor(at / FRAME_BYTES) % 5 === 4) {
      random = (Math.imul(random, 1_664_525) + 1_013_904_223) | 0;
      all[at] = random >>> 24;
      at += 1;
    } else {
      at += all.write(`line ${line} of the log\n`, at, 'latin1');
    }
  }
  return all;
}

function write(bytes: Buffer): void {
  using writer = new LogWriter(folder);
  for (let at = 0, time = FIRST_TIME_US; at < bytes.length; at += 100_000, time += 1000n) {
    writer.write({ stream: 1, data: bytes.subarray(at, at + 100_000), timeUs: time });
  }
}

function request(store: LogStore, change: Partial<LogRequest> = {}): LogRequest {
  return {
    store,
    folder,
    selection: WHOLE_LOG,
    stream: LogStream.UNSPECIFIED,
    follow: false,
    hasEnded: () => true,
    onChange: () => ({ [Symbol.dispose]: () => undefined }),
    signal: NEVER,
    ...change,
  };
}

async function chunksOf(chunks: AsyncIterable<LogChunk>): Promise<LogChunk[]> {
  const all: LogChunk[] = [];
  for await (const chunk of chunks) {
    all.push(chunk);
  }
  return all;
}

const bytesOf = (chunks: readonly LogChunk[]) => Buffer.concat(chunks.map(({ data }) => data));

async function compress(store: LogStore, until: number, isWhole = false): Promise<void> {
  await using shared = await store.share(folder);
  expect(shared).toBeDefined();
  await compressLog((shared as NonNullable<typeof shared>).log, {
    until,
    isWhole,
    restFactor: 0,
    signal: NEVER,
  });
}

const diskBytes = (name: string) => statSync(join(folder, name)).blocks * 512;

describe('compressLog', () => {
  it('leaves every byte where readers look for it, at a fraction of its place', async () => {
    const all = output(8 * FRAME_BYTES + 12_345);
    write(all);
    const store = new LogStore();
    await compress(store, all.length, true);
    expect(bytesOf(await chunksOf(readLog(request(store)))).equals(all)).toBe(true);
    expect(diskBytes('log')).toBeLessThan(1.2 * FRAME_BYTES);
    expect(diskBytes('log.zst')).toBeLessThan(2 * FRAME_BYTES);
    expect(statSync(join(folder, 'log')).size).toBe(all.length);
  });

  it('writes what zstdcat reads', async () => {
    const all = output(3 * FRAME_BYTES);
    write(all);
    await compress(new LogStore(), all.length, true);
    const read = execFileSync('zstdcat', [join(folder, 'log.zst')], { maxBuffer: 2 * all.length });
    expect(read.equals(all)).toBe(true);
  });

  it('gives any part of a log that is compressed in part, and dropped in part', async () => {
    const all = output(3 * FRAME_BYTES + 54_321);
    write(all);
    const offset = fc.nat(all.length);
    let dropped = 0;
    const store = new LogStore();
    await fc.assert(
      fc.asyncProperty(
        offset,
        offset,
        fc.integer({ min: 0, max: Math.floor(all.length / 12) }),
        async (until, from, more) => {
          await compress(store, until);
          dropped = Math.min(all.length, dropped + (more % 3 === 0 ? more : 0));
          await drop(store, dropped);
          const selection = { ...WHOLE_LOG, offset: from };
          const chunks = await chunksOf(readLog(request(store, { selection })));
          expect(bytesOf(chunks).equals(all.subarray(Math.max(from, dropped)))).toBe(true);
          expect(chunks[0]?.droppedBytes ?? 0n).toBe(BigInt(Math.max(0, dropped - from)));
        },
      ),
      { numRuns: 40 },
    );
  });

  it('disturbs nobody who reads meanwhile', async () => {
    const all = output(10 * FRAME_BYTES);
    write(all);
    const store = new LogStore();
    const reading = Promise.all(Array.from({ length: 4 }, () => chunksOf(readLog(request(store)))));
    for (let until = FRAME_BYTES; until <= all.length; until += FRAME_BYTES) {
      await compress(store, until);
    }
    for (const chunks of await reading) {
      expect(bytesOf(chunks).equals(all)).toBe(true);
    }
    expect(diskBytes('log')).toBeLessThan(2.1 * FRAME_BYTES);
  });

  it('makes no hole under who reads the file itself', async () => {
    const all = output(2 * FRAME_BYTES);
    write(all);
    const store = new LogStore();
    await using log = await store.open(folder);
    const plain = await log?.bytes.openPlain();
    await compress(store, all.length, true);
    expect(readFileSync(join(folder, 'log')).equals(all)).toBe(true);
    await plain?.[Symbol.asyncDispose]();
    expect(diskBytes('log')).toBe(0);
  });

  it('goes on after a loss of power that left a part of the last frames', async () => {
    const all = output(4 * FRAME_BYTES);
    write(all);
    const copy = Buffer.from(all);
    await compress(new LogStore(), 2 * FRAME_BYTES);
    await compress(new LogStore(), 3 * FRAME_BYTES);
    // The third was not on the disk yet: its bytes are still in the log.
    const log = openSync(join(folder, 'log'), 'r+');
    writeSync(log, copy, 2 * FRAME_BYTES, FRAME_BYTES, 2 * FRAME_BYTES);
    closeSync(log);
    const frames = openSync(join(folder, 'log.frames'), 'r+');
    ftruncateSync(frames, fstatSync(frames).size - 5);
    closeSync(frames);
    const store = new LogStore();
    expect(bytesOf(await chunksOf(readLog(request(store)))).equals(all)).toBe(true);
    await compress(store, all.length, true);
    expect(bytesOf(await chunksOf(readLog(request(store)))).equals(all)).toBe(true);
  });

  it.each([
    ['log.zst', 100],
    ['log.frames', 40],
    ['log.frames', 17],
  ])('refuses to give bytes of a damaged %s as the log', async (name, at) => {
    const all = output(40 * FRAME_BYTES);
    write(all);
    await compress(new LogStore(), all.length, true);
    const file = openSync(join(folder, name), 'r+');
    writeSync(file, Buffer.from([0xa5, 0x5a]), 0, 2, at);
    closeSync(file);
    await expect(chunksOf(readLog(request(new LogStore())))).rejects.toThrow(/log.frames/);
  });

  it('compresses nothing that has other bytes than the job printed', async () => {
    const all = output(3 * FRAME_BYTES);
    write(all);
    const log = openSync(join(folder, 'log'), 'r+');
    writeSync(log, Buffer.from([0xff]), 0, 1, 2 * FRAME_BYTES + 17);
    closeSync(log);
    await expect(compress(new LogStore(), all.length, true)).rejects.toThrow(
      'are not those that the job printed',
    );
    expect(diskBytes('log')).toBeGreaterThanOrEqual(FRAME_BYTES);
  });

  it('follows a log whose beginning is compressed while it grows', async () => {
    const all = output(3 * FRAME_BYTES);
    using writer = new LogWriter(folder);
    const store = new LogStore();
    const leaving = new AbortController();
    let hasEnded = false;
    let wake: () => void = () => {};
    const following = chunksOf(
      readLog(
        request(store, {
          follow: true,
          hasEnded: () => hasEnded,
          onChange: (listener) => {
            wake = listener;
            return { [Symbol.dispose]: () => undefined };
          },
          signal: leaving.signal,
        }),
      ),
    );
    for (let at = 0, time = FIRST_TIME_US; at < all.length; at += 100_000, time += 1000n) {
      writer.write({ stream: 1, data: all.subarray(at, at + 100_000), timeUs: time });
      await compress(store, Math.max(0, at - FRAME_BYTES));
    }
    hasEnded = true;
    wake();
    expect(bytesOf(await following).equals(all)).toBe(true);
  });
});

async function drop(store: LogStore, offset: number): Promise<void> {
  await using shared = await store.share(folder);
  await shared?.log.drop(offset);
}
