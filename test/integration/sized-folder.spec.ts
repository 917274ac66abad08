import { closeSync, mkdirSync, openSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SizedFolder } from '../../native-helper/server/storage/sized-folder.ts';
import { temporaryRoot } from '../fixtures/root.ts';

const MEBIBYTE = 2 ** 20;
const OWNER = { user: 65_534, group: 65_534 };

let root: string;
let folder: SizedFolder;

beforeEach(() => {
  root = temporaryRoot();
  folder = new SizedFolder(join(root, 'image'), join(root, 'folder'));
});

afterEach(async () => {
  await folder.remove();
  rmSync(root, { recursive: true });
});

const at = (name: string): string => join(folder.path, name);
const write = (name: string, bytes: number): void => writeFileSync(at(name), Buffer.alloc(bytes, 1));

describe('a folder with a size', () => {
  it('is empty, its owner’s alone, and takes no more of the disk than lies in it', async () => {
    await folder.create(BigInt(64 * MEBIBYTE), OWNER);
    const { uid, gid, mode } = statSync(folder.path);
    expect({ uid, gid, mode: mode & 0o7777 }).toEqual({ uid: 65_534, gid: 65_534, mode: 0o700 });
    expect(readdirSync(folder.path)).toEqual([]);
    expect(statSync(folder.image).size).toBe(64 * MEBIBYTE);
    expect(folder.diskBytes()).toBeLessThan(2 * MEBIBYTE);
  });

  it('takes what fits and not a byte more', async () => {
    await folder.create(BigInt(8 * MEBIBYTE), OWNER);
    write('fits', 4 * MEBIBYTE);
    expect(folder.usage().usedBytes).toBeGreaterThan(4 * MEBIBYTE);
    expect(() => write('does not', 8 * MEBIBYTE)).toThrow('ENOSPC');
    expect(folder.usage().bytes).toBeLessThan(8 * MEBIBYTE);
  });

  it('is found as it was after it was out of sight', async () => {
    await folder.create(BigInt(8 * MEBIBYTE), OWNER);
    write('kept', 10);
    await folder.detach();
    expect(folder.isAttached).toBe(false);
    expect(readdirSync(folder.path)).toEqual([]);
    await folder.attach();
    await folder.attach();
    expect(readdirSync(folder.path)).toEqual(['kept']);
    await folder.detach();
    expect(folder.isAttached).toBe(false);
  });

  it('goes with all that is in it, and while somebody is in it', async () => {
    await folder.create(BigInt(8 * MEBIBYTE), OWNER);
    write('held', 10);
    const held = openSync(at('held'), 'r');
    try {
      await folder.remove();
      expect(readdirSync(root)).toEqual([]);
    } finally {
      closeSync(held);
    }
  });

  it('is not made twice, and the first stays', async () => {
    await folder.create(BigInt(8 * MEBIBYTE), OWNER);
    write('kept', 10);
    const second = new SizedFolder(folder.image, join(root, 'other'));
    await expect(second.create(BigInt(8 * MEBIBYTE), OWNER)).rejects.toMatchObject({ kind: 'conflict' });
    expect(readdirSync(folder.path)).toEqual(['kept']);
  });

  it('leaves nothing when it can’t be made', async () => {
    mkdirSync(folder.path);
    writeFileSync(join(folder.path, 'mine'), '');
    await expect(folder.create(BigInt(8 * MEBIBYTE), OWNER)).rejects.toMatchObject({ kind: 'conflict' });
    expect(readdirSync(root)).toEqual(['folder']);
    expect(readdirSync(folder.path)).toEqual(['mine']);
    rmSync(folder.path, { recursive: true });
    await expect(folder.create(4096n, OWNER)).rejects.toMatchObject({ kind: 'invalid' });
    expect(readdirSync(root)).toEqual([]);
  });
});
