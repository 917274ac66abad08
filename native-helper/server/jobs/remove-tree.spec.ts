import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { removeTree } from './remove-tree.ts';

let base: string;
let victim: string;

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'joblet-remove-'));
  victim = join(base, 'victim');
  mkdirSync(victim);
});

afterEach(() => rmSync(base, { recursive: true }));

describe('removeTree', () => {
  it('removes what is nested beyond PATH_MAX', async () => {
    const home = process.cwd();
    process.chdir(victim);
    for (let depth = 0; depth < 1500; depth += 1) {
      mkdirSync('deep');
      writeFileSync('file', 'x');
      process.chdir('deep');
    }
    process.chdir(home);
    await removeTree(victim);
    expect(existsSync(victim)).toBe(false);
  }, 30_000);

  it('follows no link', async () => {
    const precious = join(base, 'precious');
    mkdirSync(precious);
    writeFileSync(join(precious, 'file'), 'kept');
    symlinkSync(precious, join(victim, 'folder'));
    symlinkSync(join(precious, 'file'), join(victim, 'file'));
    mkdirSync(join(victim, 'inner'));
    symlinkSync('../..', join(victim, 'inner', 'up'));
    await removeTree(victim);
    expect(readFileSync(join(precious, 'file'), 'utf8')).toBe('kept');
    expect(existsSync(victim)).toBe(false);
  });

  it('removes names that are not UTF-8 or look like options and paths', async () => {
    const hostile = [
      Buffer.from([0xff, 0xfe, 0x80]),
      Buffer.from('-rf'),
      Buffer.from('a\nb'),
      Buffer.from('*'),
    ];
    for (const name of hostile) {
      const folder = Buffer.concat([Buffer.from(`${victim}/`), name]);
      mkdirSync(folder);
      writeFileSync(Buffer.concat([folder, Buffer.from('/'), name]), 'x');
    }
    await removeTree(victim);
    expect(existsSync(victim)).toBe(false);
  });

  it('has nothing to do where nothing is', async () => {
    await expect(removeTree(join(base, 'absent'))).resolves.toBeUndefined();
  });

  it('refuses a link in the place of the folder', async () => {
    const link = join(base, 'link');
    symlinkSync(victim, link);
    await expect(removeTree(link)).rejects.toThrow(/ENOTDIR|ELOOP/);
    expect(existsSync(victim)).toBe(true);
  });
});
