/** What a monitor leaves in `log.index`, read as the helper reads it. */
import { appendFileSync, copyFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { isIntact, LogIndex, type LogRecord } from '../../native-helper/server/logs/log-index.ts';
import { ExecutorJob } from '../fixtures/executor.ts';
import { LogWriter, recordOf } from '../fixtures/log-writer.ts';

const VERSION_1 = join(import.meta.dirname, '../fixtures/log-version-1');
const VERSION_1_RECORDS = 4;

interface Chunk {
  readonly record: LogRecord;
  readonly bytes: Buffer;
}

async function chunksIn(folder: string): Promise<Chunk[]> {
  await using log = await open(join(folder, 'log'));
  const path = join(folder, 'log.index');
  await using file = await open(path);
  const index = new LogIndex(file, path);
  const bytes = await log.readFile();
  return (await index.read(0, await index.count())).map((record) => ({
    record,
    bytes: bytes.subarray(record.offset, record.offset + record.length),
  }));
}

describe('each chunk in the index', () => {
  test('has the checksum of its bytes, whatever its length', async () => {
    const writes =
      'for my $n (1..300) { syswrite STDOUT, chr($n & 255) x $n; select undef, undef, undef, 0.001 }';
    const flood = 'syswrite STDERR, join "", map { pack "N", $_ * 2654435761 & 0xffffffff } 1..300000';
    await using job = new ExecutorJob(['perl', '-e', `${writes} ${flood}`]);
    await job.ended();
    const chunks = await chunksIn(job.folder);
    const lengths = chunks.map(({ record }) => record.length);
    expect(Math.min(...lengths)).toBeLessThan(64);
    expect(Math.max(...lengths)).toBeGreaterThan(4096);
    for (const { record, bytes } of chunks) {
      expect(record.crc32).toBe(crc32(bytes));
    }
  });

  test('of an attempt that ended within it is cut, its checksum too', async () => {
    const prepare = (folder: string): void => {
      using writer = new LogWriter(folder);
      writer.write({ stream: 1, data: Buffer.from('whole\n'), timeUs: 1n });
      writer.writeIndex(recordOf(2n, 6, 100, 2, { crc32: 1234 }));
      writer.writeLog(Buffer.from('torn'));
    };
    await using job = new ExecutorJob(['echo', 'again'], { prepare });
    await job.ended();
    const chunks = await chunksIn(job.folder);
    expect(chunks.map(({ bytes }) => bytes.toString())).toEqual(['whole\n', 'torn', 'again\n']);
    expect(chunks.map(({ record, bytes }) => [record.crc32, isIntact(record, bytes)])).toEqual(
      chunks.map(({ bytes }) => [crc32(bytes), true]),
    );
  });

  test('comes after those of version 1, which stay without one', async () => {
    const prepare = (folder: string): void => {
      for (const name of ['log', 'log.index']) {
        copyFileSync(join(VERSION_1, name), join(folder, name));
      }
    };
    await using job = new ExecutorJob(['echo', 'again'], { prepare });
    await job.ended();
    const chunks = await chunksIn(job.folder);
    expect(job.index.readUInt32LE(8)).toBe(2);
    expect(chunks.map(({ record }) => record.crc32)).toEqual([
      ...Array.from({ length: VERSION_1_RECORDS }, () => undefined),
      crc32('again\n'),
    ]);
    expect(chunks.at(-1)?.bytes.toString()).toBe('again\n');
  });
});

test('a log that goes beyond its index is not gone on with', async () => {
  const prepare = (folder: string): void => {
    new LogWriter(folder)[Symbol.dispose]();
    appendFileSync(join(folder, 'log'), 'from somebody else');
  };
  await using job = new ExecutorJob(['true'], { prepare });
  expect(await job.record()).toMatchObject({ ran: false, error: { layer: 'log', operation: 'open' } });
});
