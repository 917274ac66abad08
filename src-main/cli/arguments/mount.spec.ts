import { describe, expect, it } from 'vitest';
import type { ValueSources } from './environment.ts';
import { parseMount, toolchainOf, workDirectoryIn } from './mount.ts';

const sourcesOf = (variables: Record<string, string>, directory = '/home/ann/project'): ValueSources => ({
  variable: (name) => variables[name],
  file: () => '',
  directory,
});
const at = (text: string) => parseMount(text, sourcesOf({}), '/home/ann');

describe('--mount', () => {
  it.each([
    ['.', '/home/ann/project', '/home/ann/project', false],
    ['.:ro', '/home/ann/project', '/home/ann/project', true],
    ['src:/src', '/home/ann/project/src', '/src', false],
    ['../data:/data:rw', '/home/ann/data', '/data', false],
    ['/data/:/in/:ro', '/data', '/in', true],
    ['~/models:/models', '/home/ann/models', '/models', false],
    ['~', '/home/ann', '/home/ann', false],
    ['a:b:/c', '/home/ann/project/a:b', '/c', false],
    ['a:b', '/home/ann/project/a:b', '/home/ann/project/a:b', false],
  ])('%s', (text, source, target, readOnly) => {
    expect(at(text)).toEqual({ source, target, readOnly });
  });

  it.each(['', ':/target', ':ro'])('refuses %j, which names no source', (text) => {
    expect(() => at(text)).toThrow('names no source');
  });

  it('is not read where a line was typed in no folder', () => {
    const nowhere = { variable: () => undefined, file: () => '' };
    expect(() => parseMount('.', nowhere)).toThrow('--mount .: begins in a folder that is not known here');
    expect(parseMount('/data', nowhere).source).toBe('/data');
    expect(() => toolchainOf('opt', nowhere)).toThrow('depends on the terminal');
  });

  it('starts in the current folder where that is mounted, wherever it is mounted', () => {
    const mounts = [at('/data'), at('.:/src')];
    expect(workDirectoryIn(mounts, sourcesOf({}))).toBe('/src');
    expect(workDirectoryIn(mounts, sourcesOf({}, '/home/ann'))).toBe('');
  });
});

describe('--toolchain', () => {
  it('shows nvm read-only, with the Node in use first in PATH', () => {
    const bin = '/home/ann/.nvm/versions/node/v24.0.0/bin';
    expect(toolchainOf('nvm', sourcesOf({ NVM_BIN: bin }), '/home/ann')).toEqual({
      mounts: [{ source: '/home/ann/.nvm', target: '/home/ann/.nvm', readOnly: true }],
      path: [bin],
      environment: {},
    });
  });

  it('shows the virtual environment that is active', () => {
    expect(toolchainOf('venv', sourcesOf({ VIRTUAL_ENV: '/p/.venv' }), '/home/ann')).toEqual({
      mounts: [{ source: '/p/.venv', target: '/p/.venv', readOnly: true }],
      path: ['/p/.venv/bin'],
      environment: { VIRTUAL_ENV: '/p/.venv' },
    });
  });

  it.each([
    ['nvm', 'no version of Node is in use'],
    ['venv', 'none is active'],
    ['constructor', 'is none of nvm, venv, cargo, opt'],
  ])('says of %s why it can’t be had', (name, reason) => {
    expect(() => toolchainOf(name, sourcesOf({}), '/home/ann')).toThrow(reason);
  });
});
