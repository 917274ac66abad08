import { appendFileSync, mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addSample, readSamples, type Sample, type SampleFileState } from './sample-file.ts';

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'joblet-samples-'));
  path = join(folder, 'metrics');
});
afterEach(() => rmSync(folder, { recursive: true }));

function sample(second: number, rest: Partial<Sample> = {}): Sample {
  return {
    timeUs: BigInt(second) * 1_000_000n,
    cpuUserUs: BigInt(second) * 400n,
    cpuSystemUs: 0n,
    memoryBytes: undefined,
    pids: 3n,
    ioReadBytes: undefined,
    ioWrittenBytes: undefined,
    cpuPressureUs: undefined,
    memoryPressureUs: undefined,
    ioPressureUs: undefined,
    ...rest,
  };
}

function add(count: number, state?: SampleFileState, from = 1): SampleFileState | undefined {
  let now = state;
  for (let second = from; second < from + count; second += 1) {
    now = addSample(path, sample(second), now);
  }
  return now;
}

const secondsRead = (from = 0) => readSamples(path, from)?.read.map(({ timeUs }) => Number(timeUs) / 1e6);

describe('a file of samples', () => {
  it('gives back what was written', () => {
    const value = fc.bigInt({ min: 0n, max: 2n ** 64n - 2n });
    const anySample = fc.record({
      timeUs: value,
      cpuUserUs: value,
      cpuSystemUs: value,
      pids: value,
      memoryBytes: fc.option(value, { nil: undefined }),
      ioReadBytes: fc.option(value, { nil: undefined }),
      ioWrittenBytes: fc.option(value, { nil: undefined }),
      cpuPressureUs: fc.option(value, { nil: undefined }),
      memoryPressureUs: fc.option(value, { nil: undefined }),
      ioPressureUs: fc.option(value, { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.array(anySample, { minLength: 1, maxLength: 5 }), (samples) => {
        rmSync(path, { force: true });
        let state: SampleFileState | undefined;
        for (const each of samples) {
          state = addSample(path, each, state);
        }
        expect(readSamples(path, 0)?.read).toEqual(samples);
      }),
    );
  });

  it('is thinned out when it is full, from its start to its end, and never grows beyond its bound', () => {
    const state = add(4096);
    const full = statSync(path).size;
    expect(state).toEqual({ samples: 4096, period: 1 });
    const thinned = add(1, state, 4097);
    expect(thinned).toEqual({ samples: 2049, period: 2 });
    expect(secondsRead()).toEqual([...Array.from({ length: 2048 }, (_, index) => 2 * index + 1), 4097]);
    const again = add(2048, thinned, 4098);
    expect(again).toEqual({ samples: 2049, period: 4 });
    expect(secondsRead()?.slice(0, 3)).toEqual([1, 5, 9]);
    expect(statSync(path).size).toBeLessThan(full);
  });

  it('is gone on with by another process, without what was left unfinished', () => {
    add(3);
    truncateSync(path, statSync(path).size - 1);
    expect(secondsRead()).toEqual([1, 2]);
    addSample(path, sample(9));
    expect(secondsRead()).toEqual([1, 2, 9]);
    appendFileSync(path, 'x');
    expect(secondsRead(2)).toEqual([9]);
  });

  it('is nothing where there is none, and where it is not ours', () => {
    expect(readSamples(path, 0)).toBeUndefined();
    writeFileSync(path, 'x'.repeat(200));
    expect(readSamples(path, 0)).toBeUndefined();
    expect(addSample(path, sample(1))).toEqual({ samples: 1, period: 1 });
  });
});
