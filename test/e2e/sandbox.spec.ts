/** That these tests see what a user has: the app inside Chromium's sandbox. */
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Desktop } from './desktop.ts';
import { surroundings } from './surroundings.ts';

let desktop: Desktop;
beforeAll(async () => {
  desktop = await Desktop.start();
});
afterAll(() => desktop?.close());

const read = (pid: string, file: string) => readFileSync(`/proc/${pid}/${file}`, 'utf8');
const statusOf = (pid: string, field: string) =>
  new RegExp(`^${field}:\\s*(.*)$`, 'm').exec(read(pid, 'status'))?.[1]?.split(/\s+/);

/** The command line of each process of any Electron of this run. */
function commandLines(): string[][] {
  const { ELECTRON_OVERRIDE_DIST_PATH } = surroundings();
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return [read(pid, 'cmdline').split('\0')];
      } catch {
        // It has ended meanwhile.
        return [];
      }
    })
    .filter(([program]) => program?.startsWith(ELECTRON_OVERRIDE_DIST_PATH));
}

async function renderer(): Promise<string> {
  const pid = await desktop.app.evaluate(({ BrowserWindow }) =>
    BrowserWindow.getAllWindows()[0]?.webContents.getOSProcessId(),
  );
  return String(pid);
}

describe('the sandbox', () => {
  it('is switched off for no process of the app', () => {
    const all = commandLines();
    expect(all.length).toBeGreaterThan(2);
    const weakened = all.flat().filter((flag) => /^--(no-sandbox|disable-[a-z-]*sandbox)/.test(flag));
    expect(weakened).toEqual([]);
  });

  it('holds the page in namespaces of its own, under a seccomp filter, as nobody special', async () => {
    const pid = await renderer();
    expect(statusOf(pid, 'Seccomp')).toEqual(['2']);
    expect(statusOf(pid, 'NoNewPrivs')).toEqual(['1']);
    expect(statusOf(pid, 'NSpid')?.length).toBeGreaterThan(1);
    expect(read(pid, 'uid_map')).not.toBe(read('self', 'uid_map'));
    expect(statusOf(pid, 'Uid')).toEqual(Array(4).fill(String(process.getuid?.())));
    expect(process.getuid?.()).not.toBe(0);
  });
});
