import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type FileHandle, open, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { crc32 } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { INDEX_HEADER, recordOf } from '../../../test/fixtures/log-writer.ts';
import { isIntact, LogIndex, type LogRecord } from './log-index.ts';

/** As a monitor of 30 November 2026 left it. Frozen: jobs of that time are still to be read. */
const VERSION_1 = fileURLToPath(new URL('../../../test/fixtures/log-version-1', import.meta.url));

let folder: string;
let opened: FileHandle | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'joblet-log-index-'));
});
afterEach(async () => {
  await opened?.close();
  opened = undefined;
  rmSync(folder, { recursive: true });
});

async function recordsIn(path: string): Promise<LogRecord[]> {
  opened = await open(path);
  const index = new LogIndex(opened, path);
  return await index.read(0, await index.count());
}

async function recordsOf(...records: readonly Buffer[]): Promise<LogRecord[]> {
  const path = join(folder, 'log.index');
  writeFileSync(path, Buffer.concat([INDEX_HEADER, ...records]));
  return await recordsIn(path);
}

describe('an index of version 1', () => {
  it('is read as it was written, without checksums', async () => {
    const records = await recordsIn(join(VERSION_1, 'log.index'));
    const log = await readFile(join(VERSION_1, 'log'));
    const parts = records.map(({ offset, length, stream }) => [
      stream,
      log.toString('utf8', offset, offset + length),
    ]);
    expect(parts).toEqual([
      [1, 'out\n'],
      [2, 'err\n'],
      [1, 'two\nthree\n'],
      [1, '\x1b[1mno newline'],
    ]);
    expect(records.map((record) => record.crc32)).toEqual([undefined, undefined, undefined, undefined]);
    expect(records[0]?.timeUs).toBe(1_796_055_394_087_965n);
  });
});

describe('a record', () => {
  const data = Buffer.from('twelve bytes');

  it('has the checksum of its bytes, and tells others from them', async () => {
    const [record] = (await recordsOf(recordOf(1n, 0, data.length, 1, { crc32: crc32(data) }))) as [
      LogRecord,
    ];
    expect(record.crc32).toBe(crc32(data));
    expect(isIntact(record, data)).toBe(true);
    expect(isIntact(record, Buffer.from('twelve Bytes'))).toBe(false);
    expect(isIntact(record, data.subarray(1))).toBe(false);
  });

  it('without a checksum is taken as it is', async () => {
    const [record] = (await recordsOf(recordOf(1n, 0, data.length, 1))) as [LogRecord];
    expect(isIntact(record, Buffer.from('whatever'))).toBe(true);
  });

  it.each([
    [1, { kind: 'memory' }],
    [2, { kind: 'spill' }],
    [3, { kind: 'disk' }],
    [16, { kind: 'sampled', every: 0, lines: 7, bytes: 900 }],
    [17, { kind: 'sampled', every: 10, lines: 7, bytes: 900 }],
    [19, { kind: 'sampled', every: 1000, lines: 7, bytes: 900 }],
  ])('of kind %i is a note', async (kind, note) => {
    const [record] = await recordsOf(recordOf(1n, 0, 0, 2, { kind, words: [7, 900] }));
    expect(record).toMatchObject({ note, length: 0, stream: 2, crc32: undefined });
  });

  it.each([
    ['of an unknown kind', recordOf(1n, 0, 0, 1, { kind: 4 })],
    ['of a power that nobody counts in', recordOf(1n, 0, 0, 1, { kind: 26 })],
    ['that is a note with bytes', recordOf(1n, 0, 1, 1, { kind: 1 })],
    ['of no stream', recordOf(1n, 0, 1, 3)],
  ])('%s is refused', async (_title, record) => {
    await expect(recordsOf(record)).rejects.toThrow('has a record of');
  });
});

it('an index of a later version is refused', async () => {
  const header = Buffer.from(INDEX_HEADER);
  header.writeUInt32LE(3, 8);
  const path = join(folder, 'log.index');
  writeFileSync(path, header);
  await expect(recordsIn(path)).rejects.toThrow('has a header that this helper does not know');
});
