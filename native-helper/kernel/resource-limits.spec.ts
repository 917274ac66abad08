import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { hardLimits } from './resource-limits.ts';

describe('hardLimits', () => {
  it('are those that the shell tells of its own, which it has from us', () => {
    const [openFiles, blocks] = execFileSync('sh', ['-c', 'ulimit -Hn; ulimit -Hc'], {
      encoding: 'utf8',
    }).split('\n');
    const { openFiles: ours, coreDump } = hardLimits();
    expect(String(ours)).toBe(openFiles);
    expect(coreDump === 2n ** 64n - 1n ? 'unlimited' : String(coreDump / 512n)).toBe(blocks);
  });
});
