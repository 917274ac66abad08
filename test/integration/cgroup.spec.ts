import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { CgroupTree, LIMIT_CONTROLLERS } from '../../native-helper/kernel/cgroup.ts';

const UUID = '0b5e3c4e-6f7a-4b8c-9d0e-1f2a3b4c5d6e';
let tree: CgroupTree;

afterEach(() => tree.close());

/** A job that would outlive a SIGTERM and has a child in a session of its own. */
function startStubbornJob(): ReturnType<typeof spawn> {
  mkdirSync(tree.jobPath(UUID));
  const child = spawn('sh', ['-c', 'trap "" TERM; read go; setsid sleep 60 & echo up; wait'], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  writeFileSync(join(tree.jobPath(UUID), 'cgroup.procs'), String(child.pid));
  child.stdin?.end('go\n'); // what it forked before would have stayed outside
  return child;
}

describe('CgroupTree', () => {
  it('moves the helper into a leaf of a tree of its own, and leaves nothing behind', () => {
    const before = readFileSync('/proc/self/cgroup', 'utf8');
    tree = CgroupTree.prepare('/tmp/joblet-test-root');
    expect(tree.path).toMatch(/\/joblet-[0-9a-f]{12}$/);
    expect(readFileSync('/proc/self/cgroup', 'utf8')).toMatch(/^0::\/.*joblet-[0-9a-f]{12}\/helper$/m);
    tree.close();
    expect(existsSync(tree.path)).toBe(false);
    expect(readFileSync('/proc/self/cgroup', 'utf8')).toBe(before);
  });

  it('gives helpers with different roots different trees', () => {
    tree = CgroupTree.prepare('/tmp/joblet-test-root');
    const other = CgroupTree.prepare('/tmp/joblet-other-root');
    expect(other.path).not.toBe(tree.path);
    other.close();
  });

  it('says of every controller that it can be used, or why not and what to do', () => {
    tree = CgroupTree.prepare('/tmp/joblet-test-root');
    for (const controller of LIMIT_CONTROLLERS) {
      const fault = tree.controllerFault(controller);
      const offered = readFileSync(join(tree.jobsPath, 'cgroup.subtree_control'), 'utf8').trim().split(' ');
      expect(fault === null, controller).toBe(offered.includes(controller));
      if (fault !== null) {
        expect(fault.reason).toContain(`cgroup v2 controller ${controller} is not available`);
        expect(fault.mend).not.toBe('');
      }
    }
    expect(tree.controllerFault('rdma')?.reason).toContain('rdma');
  });

  it('ends all that a job has forked, and removes its cgroup', async () => {
    tree = CgroupTree.prepare('/tmp/joblet-test-root');
    const job = startStubbornJob();
    await once(job.stdout as NodeJS.ReadableStream, 'data');
    expect(tree.jobs()).toEqual([UUID]);
    expect(tree.isPopulated(UUID)).toBe(true);
    const used = tree.usage(UUID);
    expect(used?.cpuUserUs).toEqual(expect.any(BigInt));
    expect(used?.pids).toBe(2n);
    expect(used?.memoryBytes === undefined).toBe(!tree.controllers.includes('memory'));
    tree.kill(UUID);
    const [code, signal] = await once(job, 'exit');
    expect([code, signal]).toEqual([null, 'SIGKILL']);
    await tree.remove(UUID);
    expect(tree.jobs()).toEqual([]);
    expect(tree.isPopulated(UUID)).toBe(false);
  });

  it('takes it calmly that a job is gone', async () => {
    tree = CgroupTree.prepare('/tmp/joblet-test-root');
    tree.kill(UUID);
    await tree.remove(UUID);
    expect(tree.isPopulated(UUID)).toBe(false);
    expect(tree.usage(UUID)).toBeUndefined();
  });

  it('stays while a job needs it', async () => {
    tree = CgroupTree.prepare('/tmp/joblet-test-root');
    mkdirSync(tree.jobPath(UUID));
    tree.close();
    expect(existsSync(tree.jobsPath)).toBe(true);
    await tree.remove(UUID);
  });
});
