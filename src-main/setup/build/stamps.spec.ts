import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Stamps } from './stamps.ts';

let folder: string;
let input: string;
let output: string;
let runs: number;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'joblet-stamps-'));
  input = join(folder, 'input');
  output = join(folder, 'output');
  runs = 0;
  writeFileSync(input, 'one');
});

afterEach(() => rmSync(folder, { recursive: true }));

/** Each build of the real thing is a process of its own, and so is each call here. */
async function build(parameter = ''): Promise<void> {
  const stamps = await Stamps.open(join(folder, 'stamps.json'));
  const make = async (path: string): Promise<void> => {
    runs++;
    writeFileSync(path, readFileSync(input));
  };
  await stamps.step('copy', [input], [output], make, parameter);
}

describe('Stamps', () => {
  it('does a step once while nothing changes', async () => {
    await build();
    writeFileSync(input, 'one');
    await build();
    expect(runs).toBe(1);
  });

  it.each([
    ['an input', () => writeFileSync(input, 'two'), ''],
    ['a parameter', () => {}, 'other'],
    ['a lost output', () => rmSync(output), ''],
    ['a stamp file cut short', () => writeFileSync(join(folder, 'stamps.json'), '{"copy":'), ''],
  ])('does it again after a change of %s', async (_what, change, parameter) => {
    await build();
    change();
    await build(parameter);
    expect(runs).toBe(2);
  });

  it('does it again after it failed, even where it left its output', async () => {
    const stamps = await Stamps.open(join(folder, 'stamps.json'));
    const fail = async (path: string): Promise<void> => {
      writeFileSync(path, 'half');
      throw new Error('disk full');
    };
    await build();
    writeFileSync(input, 'two');
    await expect(stamps.step('copy', [input], [output], fail)).rejects.toThrow('disk full');
    await build();
    expect(readFileSync(output, 'utf8')).toBe('two');
  });
});
