import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CgroupTree } from '../../kernel/cgroup.ts';
import { doctorChecks } from './doctor.ts';

/** Another user's `npm test` runs these in QEMU. */
const isRoot = process.getuid?.() === 0;

describe.skipIf(!isRoot)('doctorChecks', () => {
  it('says of each thing what was found, and of each that is missing what to do', () => {
    const root = mkdtempSync(join(tmpdir(), 'joblet-doctor-'));
    const cgroups = CgroupTree.prepare(root);
    try {
      const checks = doctorChecks(cgroups);
      expect(new Set(checks.map(({ name }) => name)).size).toBe(checks.length);
      for (const { available, found, mend, name } of checks) {
        expect(found, name).not.toBe('');
        expect(mend === '', name).toBe(available);
      }
      const usable = checks.filter(({ name, available }) => name.startsWith('cgroup v2 ') && available);
      expect(usable.map(({ name }) => name.slice('cgroup v2 '.length))).toEqual(cgroups.controllers);
      expect(checks.filter(({ required, available }) => required && !available)).toEqual([]);
    } finally {
      cgroups.close();
      rmSync(root, { recursive: true });
    }
  });
});
