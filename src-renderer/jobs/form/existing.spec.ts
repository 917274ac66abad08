import { expect, it } from 'vitest';
import { isNamed, withNetwork, withVolume } from './existing.ts';

it('puts one network in the place of another, and takes it away when it is chosen again', () => {
  expect(withNetwork('', 'lab')).toBe('lab');
  expect(withNetwork('bridge', 'lab')).toBe('lab');
  expect(withNetwork(' lab ', 'lab')).toBe('');
});

it('adds a volume to those that are typed, and takes it away with its mode', () => {
  expect(withVolume('', 'data')).toBe('data');
  expect(withVolume('data:ro, ', 'cache')).toBe('data:ro, cache');
  expect(withVolume('data:ro, cache', 'data')).toBe('cache');
  expect(isNamed('data:ro, cache', 'data')).toBe(true);
  expect(isNamed('database', 'data')).toBe(false);
});
