import { describe, expect, it } from 'vitest';
import { formatMounts, mountText, parseMounts, runHere, withPaths } from './mounts.ts';

const mount = (source: string, target = source, readOnly = false) => ({ source, target, readOnly });

describe('a line of mounts', () => {
  it.each([
    ['/home/ann/project', [mount('/home/ann/project')]],
    ['/a/, /b:/c:ro,/d:rw', [mount('/a'), mount('/b', '/c', true), mount('/d')]],
    ['/one, two/three:ro', [mount('/one, two/three', '/one, two/three', true)]],
  ])('%s', (line, mounts) => {
    expect(parseMounts(line)).toEqual({ value: mounts });
  });

  it.each(['project', '~/project', ':/x'])('refuses %j, which names no place', (line) => {
    expect(parseMounts(line)).toHaveProperty('fault');
  });

  it('reads what it writes', () => {
    const mounts = [mount('/a:ro'), mount('/b:/c', '/x'), mount('/d', '/e'), mount('/f', '/f', true)];
    expect(parseMounts(formatMounts(mounts))).toEqual({ value: mounts });
    expect(mounts.map(mountText)).toEqual(['/a:ro:/a:ro:rw', '/b:/c:/x:rw', '/d:/e:rw', '/f:ro']);
  });
});

describe('what is dropped', () => {
  it('is mounted beside what there is, and the first folder is where the command starts', () => {
    const dropped = [
      { path: '/home/ann/notes', isFolder: false },
      { path: '/home/ann/project', isFolder: true },
    ];
    const lines = { mounts: '/data:ro', workDir: '', name: 'build' };
    const filled = {
      mounts: '/data:ro, /home/ann/notes, /home/ann/project',
      workDir: '/home/ann/project',
      name: 'build',
    };
    expect(runHere(lines, dropped)).toEqual(filled);
    expect(runHere(filled, dropped)).toEqual(filled);
  });
});

it('adds paths to a line of them, each once', () => {
  expect(withPaths('', ['/a/b c, d'])).toBe('/a/b c, d');
  expect(withPaths('/a/b c, d', ['/e', '/a/b c, d'])).toBe('/a/b c, d, /e');
});
