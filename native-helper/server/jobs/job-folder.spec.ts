import { closeSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pathsUnder } from '../../api/paths.ts';
import { tryLock } from '../../kernel/lock.ts';
import { JobFolder, refuseFullDisk } from './job-folder.ts';
import { reportLines } from './report.ts';

/** Another user's `npm test` runs these in QEMU. */
const isRoot = process.getuid?.() === 0;

const UUID = '0b5e3c4e-6f7a-4b8c-9d0e-1f2a3b4c5d6e';
const LINE = { layer: 'user', item: 'uid', asked: '65534', kernel: '65534', ok: true };

let root: string;
let folder: JobFolder;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'joblet-folder-'));
  const paths = pathsUnder(root);
  mkdirSync(paths.jobsDirectory, { recursive: true });
  folder = new JobFolder(paths, UUID);
  folder.create({ user: 65_534, group: 65_534 });
});
afterEach(() => rmSync(root, { recursive: true }));

function writeReport(report: unknown): void {
  writeFileSync(join(folder.path, 'report.json'), JSON.stringify(report));
}

describe.skipIf(!isRoot)('JobFolder', () => {
  it("is root's alone, but for the job's own part", () => {
    expect(statSync(folder.path)).toMatchObject({ uid: 0, gid: 0, mode: 0o40700 });
    expect(statSync(folder.work)).toMatchObject({ uid: 65_534, gid: 65_534, mode: 0o40700 });
  });

  it('knows by its lock whether a monitor lives', () => {
    expect(folder.isInUse()).toBe(false);
    const fd = folder.open();
    expect(tryLock(fd)).toBe(true);
    expect(folder.isInUse()).toBe(true);
    closeSync(fd);
    expect(folder.isInUse()).toBe(false);
  });

  it('has no records before the monitor has written them', () => {
    expect(folder.readExit()).toBeUndefined();
    expect(folder.readReport()).toBeUndefined();
    expect(folder.logBytes()).toBe(0);
  });

  it('shows the report', () => {
    writeReport({ version: 1, job: UUID, lines: [LINE] });
    expect(reportLines(folder)).toMatchObject([LINE]);
  });

  it.each([
    [
      'of another job',
      { version: 1, job: '11111111-1111-4111-8111-111111111111', lines: [] },
      /is of job 1111/,
    ],
    ['with an unknown field', { version: 1, job: UUID, lines: [], more: 1 }, /more/],
    ['of another version', { version: 2, job: UUID, lines: [] }, /version/],
  ])('says what is wrong with a record %s', (_, report, message) => {
    writeReport(report);
    expect(() => folder.readReport()).toThrow(message);
    expect(reportLines(folder)).toMatchObject([{ layer: 'report', ok: false }]);
  });

  it('follows no link to a record', () => {
    symlinkSync('/etc/passwd', join(folder.path, 'exit.json'));
    expect(() => folder.readExit()).toThrow(/ELOOP/);
  });

  it('goes with all that is in it', async () => {
    writeReport({});
    await folder.remove();
    expect(folder.isInUse()).toBe(false);
    expect(() => statSync(folder.path)).toThrow(/ENOENT/);
  });
});

describe.skipIf(!isRoot)('refuseFullDisk', () => {
  it('lets pass where there is room', () => {
    expect(() => refuseFullDisk(root)).not.toThrow();
  });

  it('refuses where there is none', () => {
    // procfs has no block at all.
    expect(() => refuseFullDisk('/proc')).toThrow(expect.objectContaining({ kind: 'exhausted' }));
  });
});
