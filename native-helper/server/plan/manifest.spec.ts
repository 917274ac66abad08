import { readlinkSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  encodeManifest,
  manifestOf,
  openManifestSources,
  parseManifest,
  withoutSecrets,
} from './manifest.ts';
import type { Plan } from './plan.ts';
import { openSource, PlanSources } from './sources.ts';

const UUID = '0b5e3c4e-6f7a-4b8c-9d0e-1f2a3b4c5d6e';
const BUILD = 'ab'.repeat(32);

describe('manifest', () => {
  it('leads a replay back to the same sources in the same slots', () => {
    using sources = new PlanSources();
    sources.take(openSource('/usr'));
    sources.take(openSource('/etc/passwd'));
    const text = encodeManifest(manifestOf(UUID, BUILD, sources));
    using opened = openManifestSources(parseManifest(text, 'manifest.json'));
    expect([...opened.bySlot.keys()]).toEqual([10, 11]);
    expect([...opened.descriptors().values()].map((fd) => readlinkSync(`/proc/self/fd/${fd}`))).toEqual([
      '/usr',
      '/etc/passwd',
    ]);
  });

  it.each([
    ['no JSON', '{'],
    ['an unknown field', JSON.stringify({ version: 1, build: BUILD, job: UUID, sources: [], more: 1 })],
    ['another version', JSON.stringify({ version: 2, build: BUILD, job: UUID, sources: [] })],
    ['a relative path', JSON.stringify({ version: 1, build: BUILD, job: UUID, sources: ['usr'] })],
    ['a path with NUL', JSON.stringify({ version: 1, build: BUILD, job: UUID, sources: ['/u\0sr'] })],
  ])('refuses %s', (_, text) => {
    expect(() => parseManifest(text, 'manifest.json')).toThrowError(/^plan: parse manifest.json: /);
  });

  it('keeps a secret’s name and not its value', () => {
    const plan = { environment: ['A=1', 'TOKEN=a=b', 'TOKENS=2'] } as unknown as Plan;
    expect(withoutSecrets(plan, ['TOKEN']).environment).toEqual(['A=1', 'TOKEN=***', 'TOKENS=2']);
  });
});
