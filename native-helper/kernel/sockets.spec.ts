import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { tryLock } from './lock.ts';
import { peerCredentialsOf } from './peer-credentials.ts';
import { createSocketPair } from './socketpair.ts';

describe('peerCredentialsOf', () => {
  it('names the process at the other end', () => {
    const [kept, given] = createSocketPair();
    expect(peerCredentialsOf(kept)).toEqual({
      pid: process.pid,
      uid: process.getuid?.(),
      gid: process.getgid?.(),
    });
    closeSync(kept);
    closeSync(given);
  });

  it('fails for what is no socket', () => {
    const file = openSync('/dev/null', 'r');
    expect(() => peerCredentialsOf(file)).toThrowError(
      `kernel: getsockopt SO_PEERCRED descriptor ${file}: ENOTSOCK`,
    );
    closeSync(file);
  });
});

describe('tryLock', () => {
  it('holds against a second opening of the file until it is closed', () => {
    const folder = mkdtempSync(join(tmpdir(), 'joblet-lock-'));
    const [first, second] = [openSync(join(folder, 'lock'), 'w'), openSync(join(folder, 'lock'), 'w')];
    expect(tryLock(first)).toBe(true);
    expect(tryLock(first)).toBe(true);
    expect(tryLock(second)).toBe(false);
    closeSync(first);
    expect(tryLock(second)).toBe(true);
    closeSync(second);
    rmSync(folder, { recursive: true });
  });
});
