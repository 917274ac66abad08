import { mkdtempSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BoundedLogFile, createLogger, RateLimitedWarning } from './log.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'joblet-log-'));
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(folder, { recursive: true });
});

describe('BoundedLogFile', () => {
  it('never holds more than twice its bound, and keeps the latest lines', () => {
    const path = join(folder, 'helper.log');
    const log = new BoundedLogFile(path, 1000);
    for (let line = 0; line < 500; line += 1) {
      log.write(`line ${line}\n`);
    }
    expect(statSync(path).size).toBeLessThanOrEqual(1000);
    expect(statSync(`${path}.1`).size).toBeLessThanOrEqual(1000);
    const kept = (readFileSync(`${path}.1`, 'utf8') + readFileSync(path, 'utf8')).trim().split('\n');
    expect(kept).toEqual(
      Array.from({ length: kept.length }, (_, index) => `line ${500 - kept.length + index}`),
    );
  });

  it('goes on where an earlier helper stopped', () => {
    const path = join(folder, 'helper.log');
    new BoundedLogFile(path, 1000).write('first\n');
    new BoundedLogFile(path, 1000).write('second\n');
    expect(readFileSync(path, 'utf8')).toBe('first\nsecond\n');
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('goes on when a new file could not be made for a while', () => {
    const path = join(folder, 'helper.log');
    const log = new BoundedLogFile(path, 10);
    log.write('before\n');
    renameSync(path, `${path}.1`); // as when there was no descriptor left for the new one
    log.write('after\n');
    expect(readFileSync(path, 'utf8')).toBe('after\n');
  });

  it('loses a line rather than failing when the disk is full', () => {
    new BoundedLogFile('/dev/full').write('lost\n');
  });
});

describe('RateLimitedWarning', () => {
  it('writes one line a second for each message and counts the rest', () => {
    vi.useFakeTimers();
    const path = join(folder, 'helper.log');
    const warnings = new RateLimitedWarning(createLogger(path, 'info'));
    for (let time = 0; time < 100; time += 1) {
      warnings.warn('refused', { uid: 1 });
    }
    warnings.warn('other', {});
    vi.advanceTimersByTime(1000);
    warnings.warn('refused', { uid: 2 });
    const lines = readFileSync(path, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map(({ msg, suppressed }) => [msg, suppressed])).toEqual([
      ['refused', undefined],
      ['other', undefined],
      ['refused', 99],
    ]);
  });
});
