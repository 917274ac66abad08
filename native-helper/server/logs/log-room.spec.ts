import { closeSync, fstatSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { memoryShare, openSpill } from './log-room.ts';

const GIB = 2 ** 30;

describe('memoryShare', () => {
  it.each([
    [0, 1024],
    [1, 1024],
    [2, 512],
    [3, 256],
    [4, 256],
    [5, 128],
    [1000, 1],
    [1024, 1],
    [5000, 1],
  ])('gives each of %i jobs %i MiB of a GiB', (jobs, mebibytes) => {
    expect(memoryShare(GIB, jobs)).toBe(BigInt(mebibytes * 2 ** 20));
  });

  it('never gives away more than there is, as long as there is a MiB for each', () => {
    for (let jobs = 1; jobs <= 1024; jobs += 1) {
      expect(Number(memoryShare(GIB, jobs)) * jobs).toBeLessThanOrEqual(GIB);
    }
  });
});

describe('openSpill', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'joblet-spill-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('opens a file that has no name, for its owner alone', () => {
    const { fd } = openSpill(folder, 'job');
    try {
      expect(readdirSync(folder)).toEqual([]);
      expect(fstatSync(fd)).toMatchObject({ nlink: 0, size: 0 });
      expect(fstatSync(fd).mode & 0o777).toBe(0o600);
    } finally {
      closeSync(fd);
    }
  });

  it('never opens what somebody else has put there', () => {
    writeFileSync(join(folder, 'joblet-log-job'), 'of somebody else');
    expect(() => openSpill(folder, 'job')).toThrow('EEXIST');
    expect(() => openSpill(join(folder, 'none'), 'job')).toThrow('ENOENT');
  });
});
