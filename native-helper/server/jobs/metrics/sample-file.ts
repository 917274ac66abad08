/**
 * What a job has used, sample after sample, in one file of a bounded size: when it is full, every second sample goes and the next
 * ones are taken half as often. Counters only grow, so nothing that they count is lost with a sample.
 *
 * A header of 32 bytes: `JOBLUSED`, u32 version 1, u32 size of a record, u32 seconds between two samples, zeroes. Then the records: u64
 * fields in the order of FIELDS, little-endian, 2⁶⁴−1 for what this kernel does not count.
 */
import {
  appendFileSync,
  closeSync,
  constants,
  fstatSync,
  openSync,
  readSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { causeOf } from '../../../api/errors.ts';
import type { CgroupUsage } from '../../../kernel/cgroup.ts';

/** What was used up to a moment. */
export interface Sample extends CgroupUsage {
  /** µs since the epoch. */
  readonly timeUs: bigint;
}

/** A little more than an hour at one a second; the file takes 320 KB at most. */
const SAMPLES_MAXIMUM = 4096;

const MAGIC = Buffer.from('JOBLUSED');
const VERSION = 1;
const HEADER_BYTES = 32;
const NOT_COUNTED = 2n ** 64n - 1n;
const FIELDS = [
  'timeUs',
  'cpuUserUs',
  'cpuSystemUs',
  'memoryBytes',
  'pids',
  'ioReadBytes',
  'ioWrittenBytes',
  'cpuPressureUs',
  'memoryPressureUs',
  'ioPressureUs',
] as const satisfies readonly (keyof Sample)[];
const RECORD_BYTES = FIELDS.length * 8;

/** How far a file has come. */
export interface SampleFileState {
  readonly samples: number;
  /** Seconds between two samples. */
  readonly period: number;
}

export interface SampleRead extends SampleFileState {
  readonly read: readonly Sample[];
}

/**
 * Adds one sample to a file, which is made if it is not there yet.
 *
 * @param state what the call before gave; undefined: nobody of this process has written to it.
 * @throws the system's error; then nothing but an unfinished record, which is passed over, was written.
 */
export function addSample(path: string, sample: Sample, state?: SampleFileState): SampleFileState {
  const before = state ?? takeUp(path);
  if (before.samples < SAMPLES_MAXIMUM) {
    appendFileSync(path, encode(sample), { mode: 0o600 });
    return { ...before, samples: before.samples + 1 };
  }
  const kept = readSamples(path, 0)?.read.filter((_, index) => index % 2 === 0) ?? [];
  return replace(path, [...kept, sample], before.period * 2);
}

/** Goes on with the file of another helper, without what it left unfinished. */
function takeUp(path: string): SampleFileState {
  const found = readSamples(path, 0);
  return replace(path, found?.read ?? [], found?.period ?? 1);
}

function replace(path: string, samples: readonly Sample[], period: number): SampleFileState {
  const header = Buffer.alloc(HEADER_BYTES);
  MAGIC.copy(header);
  header.writeUInt32LE(VERSION, 8);
  header.writeUInt32LE(RECORD_BYTES, 12);
  header.writeUInt32LE(period, 16);
  writeFileSync(`${path}.new`, Buffer.concat([header, ...samples.map(encode)]), { mode: 0o600 });
  renameSync(`${path}.new`, path);
  return { samples: samples.length, period };
}

function encode(sample: Sample): Buffer {
  const record = Buffer.alloc(RECORD_BYTES);
  for (const [index, field] of FIELDS.entries()) {
    record.writeBigUInt64LE(sample[field] ?? NOT_COUNTED, index * 8);
  }
  return record;
}

function decode(record: Buffer): Sample {
  const values = FIELDS.map((field, index) => {
    const value = record.readBigUInt64LE(index * 8);
    return [field, value === NOT_COUNTED ? undefined : value] as const;
  });
  return Object.fromEntries(values) as unknown as Sample;
}

/**
 * The whole samples of a file, from the one with the number `from` on.
 *
 * @returns undefined when there is no such file, or none of ours.
 */
export function readSamples(path: string, from: number): SampleRead | undefined {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    if (causeOf(error) === 'ENOENT') {
      return undefined;
    }
    throw error;
  }
  try {
    const header = Buffer.alloc(HEADER_BYTES);
    readSync(fd, header, 0, HEADER_BYTES, 0);
    if (!header.subarray(0, 8).equals(MAGIC) || header.readUInt32LE(12) !== RECORD_BYTES) {
      return undefined;
    }
    const samples = Math.floor((fstatSync(fd).size - HEADER_BYTES) / RECORD_BYTES);
    const bytes = Buffer.alloc(Math.max(0, samples - from) * RECORD_BYTES);
    readSync(fd, bytes, 0, bytes.length, HEADER_BYTES + from * RECORD_BYTES);
    const read = Array.from({ length: bytes.length / RECORD_BYTES }, (_, index) =>
      decode(bytes.subarray(index * RECORD_BYTES, (index + 1) * RECORD_BYTES)),
    );
    return { samples, period: header.readUInt32LE(16), read };
  } finally {
    closeSync(fd);
  }
}
