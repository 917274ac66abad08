/** What the app keeps of its user's: settings and presets, on disks that are damaged, full and read-only. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Damage } from '../../src-main/app/data-file.ts';
import { PresetStore } from '../../src-main/app/presets.ts';
import { SettingsStore } from '../../src-main/app/settings.ts';
import { type Preset, REQUESTS, type Settings, settingsSchema } from '../../src-main/ipc/contract.ts';
import { PLAIN_SPEC } from '../fixtures/job-spec.ts';
import { MemoryDisk } from '../fixtures/memory-disk.ts';

const DISK_BYTES = 8 * 1024 * 1024;
const FIRST = settingsSchema.parse({});
const DARK: Settings = { ...FIRST, theme: 'dark', scale: 150, keys: { 'jobs.stop': 'Ctrl+S' } };

let disk: MemoryDisk;
let damaged: Damage[];
beforeEach(() => {
  disk = new MemoryDisk(DISK_BYTES);
  damaged = [];
});
afterEach(() => disk[Symbol.dispose]());

const at = (name: string) => join(disk.path, name);
const onDamage = (damage: Damage) => damaged.push(damage);
const openSettings = () => SettingsStore.open(at('settings.json'), onDamage);
const openPresets = () => PresetStore.open(at('presets.json'), onDamage);
const preset = (name: string, changes: Partial<Preset['spec']> = {}): Preset => ({
  name,
  spec: { ...PLAIN_SPEC, ...changes },
});
const fillDisk = () => {
  try {
    writeFileSync(at('filler'), Buffer.alloc(2 * DISK_BYTES));
  } catch {
    // Now it is full.
  }
};

describe('settings', () => {
  it('are those of the first start where there is no file, and none is made', async () => {
    expect((await openSettings()).current.value).toEqual(FIRST);
    expect(readdirSync(disk.path)).toEqual([]);
    expect(damaged).toEqual([]);
  });

  it('are there again, and nobody else can read them', async () => {
    await (await openSettings()).change(DARK);
    expect((await openSettings()).current.value).toEqual(DARK);
    expect(statSync(at('settings.json')).mode & 0o777).toBe(0o600);
    expect(readdirSync(disk.path)).toEqual(['settings.json']);
  });

  it('take what an older version did not know as at first', async () => {
    writeFileSync(at('settings.json'), '{"theme":"dark"}');
    expect((await openSettings()).current.value).toEqual({ ...FIRST, theme: 'dark' });
  });

  it('are those of the last of many changes, and whole at any moment', async () => {
    const store = await openSettings();
    const scales = Array.from({ length: 40 }, (_, index) => 100 + index);
    const changes = scales.map((scale) => store.change({ ...FIRST, scale }));
    for (let changed = 0; changed < 10; changed += 1) {
      await Promise.race([changes[changed * 4], new Promise((resolve) => setImmediate(resolve))]);
      const names = readdirSync(disk.path).filter((name) => name === 'settings.json');
      for (const name of names) {
        expect(() => settingsSchema.parse(JSON.parse(readFileSync(at(name), 'utf8')))).not.toThrow();
      }
    }
    await Promise.all(changes);
    expect((await openSettings()).current.value.scale).toBe(139);
    expect(readdirSync(disk.path)).toEqual(['settings.json']);
  });

  it.each([
    ['empty', '', 'JSON'],
    ['cut short', '{"theme": "da', 'JSON'],
    ['no text', Buffer.from([0xff, 0xfe, 0x00]), 'JSON'],
    ['of a later version', '{"theme":"dark","animation":"slow"}', 'animation'],
    ['out of bounds', '{"scale":1e9}', 'scale'],
    ['hostile', '{"__proto__":{"theme":"dark"}}', '__proto__'],
    ['deep', '['.repeat(200_000), 'JSON'],
    ['huge', `"${'x'.repeat(17 * 1024 * 1024)}"`, 'is larger than'],
  ])('that are %s are told of, kept beside, and as at first', async (what, content, reason) => {
    if (what === 'huge') {
      disk[Symbol.dispose]();
      disk = new MemoryDisk(4 * DISK_BYTES);
    }
    writeFileSync(at('settings.json'), content);
    const store = await openSettings();
    expect(store.current.value).toEqual(FIRST);
    expect(damaged).toEqual([
      { path: at('settings.json'), keptAs: expect.any(String), reason: expect.stringContaining(reason) },
    ]);
    const [{ keptAs }] = damaged as [Damage];
    expect(readFileSync(keptAs)).toEqual(Buffer.from(content));
    if (what !== 'huge') {
      await store.change(DARK);
      expect((await openSettings()).current.value).toEqual(DARK);
    }
  });

  it.each([
    ['a folder', () => mkdirSync(at('settings.json'))],
    ['a pipe that nobody writes to', () => execFileSync('mkfifo', [at('settings.json')])],
  ])('that are %s are told of', async (_what, make) => {
    make();
    expect((await openSettings()).current.value).toEqual(FIRST);
    expect(damaged).toHaveLength(1);
  });

  it('that are damaged on a read-only disk keep the app from nothing', async () => {
    writeFileSync(at('settings.json'), '{');
    disk.makeReadOnly();
    const store = await openSettings();
    expect(damaged).toMatchObject([{ keptAs: at('settings.json') }]);
    await expect(store.change(DARK)).rejects.toMatchObject({
      kind: 'unavailable',
      details: { object: at('settings.json'), reason: 'EROFS' },
    });
    expect(readFileSync(at('settings.json'), 'utf8')).toBe('{');
  });

  it('are as they were where the disk is full, and kept once it has room', async () => {
    const store = await openSettings();
    await store.change(DARK);
    fillDisk();
    await expect(store.change({ ...DARK, keys: { a: 'x'.repeat(64) } })).rejects.toMatchObject({
      kind: 'unavailable',
      details: { reason: 'ENOSPC', mend: expect.stringContaining('disk is not full') },
    });
    expect(readdirSync(disk.path).sort()).toEqual(['filler', 'settings.json']);
    expect((await openSettings()).current.value).toEqual(DARK);
    writeFileSync(at('filler'), '');
    await store.change(FIRST);
    expect((await openSettings()).current.value).toEqual(FIRST);
  });
});

describe('presets', () => {
  it('are there again as they were, by name, without the values of secrets', async () => {
    const store = await openPresets();
    const spec = {
      limits: { memoryBytes: 2n ** 62n, cpuPercent: 150, pids: 7n },
      timeoutMs: 31_536_000_000n,
      args: ['', '\u{1f600}', '-x'],
    };
    await store.save(preset('zeta'));
    const secrets = { environment: { A: '1', API_KEY: 'sesame' }, secretEnvironment: { TOKEN: 'sesame' } };
    const masked = { environment: { A: '1', API_KEY: '***' }, secretEnvironment: { TOKEN: '' } };
    await store.save(preset('alpha', { ...spec, ...secrets }));
    const kept = [preset('alpha', { ...spec, ...masked }), preset('zeta')];
    expect(store.list()).toEqual(kept);
    expect((await openPresets()).list()).toEqual(kept);
    expect(readFileSync(at('presets.json'), 'utf8')).not.toContain('sesame');
    expect(statSync(at('presets.json')).mode & 0o777).toBe(0o600);
  });

  it('of one name are the last one, and deleting one leaves the others', async () => {
    const store = await openPresets();
    await Promise.all([
      store.save(preset('a', { command: 'one' })),
      store.save(preset('b')),
      store.save(preset('a', { command: 'two' })),
      store.delete('b'),
      store.delete('never there'),
    ]);
    expect((await openPresets()).list()).toEqual([preset('a', { command: 'two' })]);
  });

  it('that could not be written are not there', async () => {
    const store = await openPresets();
    await store.save(preset('a'));
    disk.makeReadOnly();
    await expect(store.save(preset('b'))).rejects.toMatchObject({ kind: 'unavailable' });
    await expect(store.delete('a')).rejects.toMatchObject({ details: { reason: 'EROFS' } });
    expect(store.list().map(({ name }) => name)).toEqual(['a']);
  });

  it('are so many and so large that they can be read again', async () => {
    disk[Symbol.dispose]();
    disk = new MemoryDisk(8 * DISK_BYTES);
    const store = await openPresets();
    const large = (name: string) =>
      preset(name, { args: Array.from({ length: 16_000 }, () => 'a'.repeat(90)) });
    const outcomes = await Promise.allSettled(
      Array.from({ length: 12 }, (_, index) => store.save(large(`large ${index}`))),
    );
    const refused = outcomes.filter(({ status }) => status === 'rejected');
    expect(refused[0]).toMatchObject({ reason: { kind: 'exhausted' } });
    expect((await openPresets()).list()).toHaveLength(12 - refused.length);
    expect(damaged).toEqual([]);
  });

  it('are 500 at most', async () => {
    const names = Array.from({ length: 500 }, (_, index) => ({
      name: `${index}`,
      spec: { command: 'true' },
    }));
    writeFileSync(at('presets.json'), JSON.stringify({ version: 1, presets: names }));
    const store = await openPresets();
    await expect(store.save(preset('one more'))).rejects.toMatchObject({
      kind: 'exhausted',
      details: { object: 'one more', reason: 'at most 500 presets are kept' },
    });
    await store.delete('0');
    await store.save(preset('one more'));
    expect(store.list()).toHaveLength(500);
  });

  it.each([
    ['of a later version', { version: 2, presets: [] }],
    ['with a field that is not known', { version: 1, presets: [], folders: [] }],
    ['with a job that has one', { version: 1, presets: [{ name: 'a', spec: { command: 'x', gpu: 1 } }] }],
    ['with a job that can not be', { version: 1, presets: [{ name: 'a', spec: { command: '' } }] }],
    ['with a hostile job', { version: 1, presets: [{ name: 'a', spec: { command: 'x', limits: [[[]]] } }] }],
    ['without a name', { version: 1, presets: [{ name: '', spec: { command: 'x' } }] }],
    [
      'of the same name',
      { version: 1, presets: ['x', 'y'].map((command) => ({ name: 'a', spec: { command } })) },
    ],
    ['of a name without end', { version: 1, presets: [{ name: 'a'.repeat(65), spec: { command: 'x' } }] }],
  ])('%s are told of and kept beside', async (_what, content) => {
    writeFileSync(at('presets.json'), JSON.stringify(content));
    const store = await openPresets();
    expect(store.list()).toEqual([]);
    expect(damaged).toHaveLength(1);
    expect(JSON.parse(readFileSync((damaged as [Damage])[0].keptAs, 'utf8'))).toEqual(content);
    await store.save(preset('new'));
    expect((await openPresets()).list()).toEqual([preset('new')]);
  });

  it('are what the window takes', async () => {
    const store = await openPresets();
    await store.save(preset('a', { secretEnvironment: { S: 'x' } }));
    const { response } = REQUESTS['presets.list'];
    expect(response.parse((await openPresets()).list())).toEqual(store.list());
  });
});
