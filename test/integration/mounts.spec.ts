/** Folders of the user's in a job: whose rights open them, and whose the files are. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { JobStatus } from '../../native-helper/api/gen/joblet_pb.js';
import { coverWithHungFileSystem } from '../fixtures/hung-file-system.ts';
import {
  closeJobService,
  logOf,
  openJobService,
  type Service,
  shell,
  temporaryService,
  untilEnded,
  untilState,
} from '../fixtures/job-service.ts';
import { temporaryRoot } from '../fixtures/root.ts';

/** Of the machine or not: nothing but the numbers counts. */
const ANN = 4321;
const TEAM = 4400;
const OTHER = 4322;
const NOBODY = 65_534;

let service: Service;
let home: string;

beforeAll(async () => {
  service = await temporaryService();
});

afterAll(async () => {
  await service[Symbol.asyncDispose]();
});

beforeEach(() => {
  home = temporaryRoot();
  chownSync(home, ANN, ANN);
});

afterEach(() => {
  rmSync(home, { recursive: true });
});

const at = (path: string): string => join(home, path);
function own(path: string, uid: number, gid: number, mode: number): void {
  chownSync(at(path), uid, gid);
  chmodSync(at(path), mode);
}

interface Mount {
  readonly source: string;
  readonly target: string;
  readonly readOnly?: boolean;
}

const GROUPS = { gid: ANN, groups: [TEAM] };
const specFor = (line: string, mounts: readonly Mount[]) => shell(line, { mounts: [...mounts] });

/** Runs a line of shell as a job of Ann's, by default in her home. */
async function run(line: string, mounts: readonly Mount[] = [{ source: home, target: '/src' }]) {
  const { uuid } = await service.jobs.run(specFor(line, mounts), ANN, GROUPS);
  const job = await untilEnded(service.jobs, uuid);
  return { job, output: (await logOf(service.jobs, uuid)).toString().trim().split('\n') };
}

const refused = (mounts: readonly Mount[]) =>
  expect(service.jobs.run(specFor('true', mounts), ANN, GROUPS)).rejects;

describe('a folder that is mounted', () => {
  it('is the job’s own inside, and what the job writes is its user’s', async () => {
    writeFileSync(at('private'), 'of Ann');
    own('private', ANN, ANN, 0o600);
    mkdirSync(at('team'));
    own('team', ANN, TEAM, 0o2770);
    const { job, output } = await run(
      'cd /src && id -u && cat private && echo && stat -c %u:%g private . && mkdir deep && echo x >deep/made && echo y >team/made',
    );
    expect(output).toEqual(['65534', 'of Ann', '65534:65534', '65534:65534']);
    expect(job.status).toBe(JobStatus.COMPLETED);
    const { uid, gid } = statSync(at('deep/made'));
    expect({ uid, gid }).toEqual({ uid: ANN, gid: ANN });
    const shared = statSync(at('team/made'));
    expect([shared.uid, shared.gid]).toEqual([ANN, TEAM]);
    const line = job.report.find(({ item }) => item === '/src');
    expect(line?.asked).toBe('bind nosuid,nodev,idmapped');
    expect(line?.kernel).toContain('idmapped');
  });

  it('does not make the job the owner of what is another’s, although that shows as the job’s', async () => {
    writeFileSync(at('others'), 'kept');
    own('others', OTHER, OTHER, 0o666);
    writeFileSync(at('nobodys'), 'kept');
    own('nobodys', NOBODY, NOBODY, 0o644);
    const { output } = await run(
      'cd /src; stat -c %u others nobodys; for f in others nobodys; do echo x >$f; chmod 777 $f; cat $f; done 2>&1 | grep -c -e denied -e permitted -e too.large',
    );
    expect(output).toEqual(['65534', '65534', '4']);
    for (const name of ['others', 'nobodys']) {
      expect(readFileSync(at(name), 'utf8')).toBe('kept');
    }
    expect([statSync(at('others')).mode & 0o777, statSync(at('nobodys')).mode & 0o777]).toEqual([
      0o666, 0o644,
    ]);
  });

  it('is shown read-only where that was asked for, and so is a single file', async () => {
    writeFileSync(at('config'), 'as it was');
    own('config', ANN, ANN, 0o600);
    const { output } = await run(
      'cat /in/config; echo; cat /work/.config; echo; echo x >/in/config; echo x >/work/.config',
      [
        { source: home, target: '/in', readOnly: true },
        { source: at('config'), target: '/work/.config', readOnly: true },
      ],
    );
    expect(output.slice(0, 2)).toEqual(['as it was', 'as it was']);
    expect(output.slice(2).every((line) => line.includes('Read-only file system'))).toBe(true);
    expect(readFileSync(at('config'), 'utf8')).toBe('as it was');
  });

  it('does not keep a job from the sockets in it, read-only or not, which the threat model says', async () => {
    await using server = await listening(at('socket'));
    own(server.name, ANN, ANN, 0o600);
    const line = `/usr/bin/python3 -c 'import socket; socket.socket(socket.AF_UNIX).connect("/in/socket"); print("connected")'`;
    const { output } = await run(line, [{ source: home, target: '/in', readOnly: true }]);
    expect(output).toEqual(['connected']);
  });

  it('may lie in another, in whatever order they are named', async () => {
    mkdirSync(at('inner'));
    own('inner', ANN, ANN, 0o700);
    const { output } = await run('ls /src; ls /src/inner', [
      { source: '/usr/share/doc', target: '/src/inner', readOnly: true },
      { source: home, target: '/src' },
    ]);
    expect(output[0]).toBe('inner');
    expect(output.length).toBeGreaterThan(2);
  });

  it('honours no set-uid bit and no device in it, and gets no such bit from the job', async () => {
    writeFileSync(at('program'), '');
    own('program', ANN, ANN, 0o755);
    const { job } = await run('chmod u+s /src/program || chmod g+s /src/program');
    expect(statSync(at('program')).mode & 0o7777).toBe(0o755);
    const spec = shell('true', { mounts: [{ source: home, target: '/src' }], seccompLevel: 0 });
    await expect(service.jobs.run(spec, ANN, GROUPS)).rejects.toThrow('set-uid files of yours');
    expect(job.report.find(({ item }) => item === '/src')?.kernel).toMatch(/nosuid.*nodev/);
  });

  it('is opened with the groups of who asked, by the next helper too', async () => {
    mkdirSync(at('mine'));
    own('mine', ANN, ANN, 0o700);
    writeFileSync(at('mine/plan'), 'of Ann');
    chownSync(home, 0, TEAM);
    chmodSync(home, 0o750);
    const mounts = [{ source: at('mine'), target: '/mine' }];
    const root = temporaryRoot();
    const first = await openJobService(root);
    const { uuid } = await first.run(specFor('ls /mine', mounts), ANN, GROUPS);
    await closeJobService(first);
    const next = await openJobService(root);
    try {
      expect((await untilEnded(next, uuid)).status).toBe(JobStatus.COMPLETED);
      expect((await logOf(next, uuid)).toString()).toBe('plan\n');
    } finally {
      await closeJobService(next);
      rmSync(root, { recursive: true });
    }
  });
});

describe('a source that a job is not shown', () => {
  it.each([
    ['what is not there', '/nowhere/at/all', 'there is no such file or folder'],
    ['the root of another process', '/proc/1/root', 'may not read|link of /proc'],
    ['its own root by a link of /proc', '/proc/self/root', 'a link of /proc'],
    ['an open file of the helper', '/proc/self/fd/3', 'a link of /proc'],
    ['the processes of the host', '/proc', 'lies on proc'],
    ['the kernel’s settings', '/sys', 'lies on sysfs'],
    ['a device', '/dev/null', 'no folder and no regular file'],
    ['everything', '/', 'would show'],
    ['what root alone may read', '/root', 'you may not read it'],
  ])('%s: %s', async (_, source, reason) => {
    await refused([{ source, target: '/src', readOnly: true }]).toThrow(new RegExp(reason));
  });

  it('sockets, FIFOs, folders of others, and those that one may not read', async () => {
    await using server = await listening(at('socket'));
    execFileSync('mkfifo', [at('fifo')]);
    for (const name of [server.name, 'fifo']) {
      own(name, ANN, ANN, 0o600);
      await refused([{ source: at(name), target: '/src' }]).toThrow('no folder and no regular file');
    }
    mkdirSync(at('others'), { mode: 0o777 });
    own('others', OTHER, OTHER, 0o777);
    await refused([{ source: at('others'), target: '/src' }]).toThrow(`belongs to uid ${OTHER}`);
    own('others', ANN, OTHER, 0o777);
    await refused([{ source: at('others'), target: '/src' }]).toThrow('its group 4322 is none of yours');
    own('others', OTHER, OTHER, 0o700);
    await refused([{ source: at('others'), target: '/src', readOnly: true }]).toThrow('you may not read it');
    symlinkSync('/root', at('to-root'));
    await refused([{ source: at('to-root'), target: '/src', readOnly: true }]).toThrow('you may not read it');
  });

  it('the helper’s own folders, those that they lie in, and by whatever name', async () => {
    const { paths, root } = service;
    symlinkSync(paths.stateDirectory, at('state'));
    for (const source of [root, paths.stateDirectory, paths.runDirectory, paths.jobsDirectory, at('state')]) {
      const job = service.jobs.run(specFor('true', [{ source, target: '/src' }]), 0, { gid: 0, groups: [] });
      await expect(job).rejects.toThrow('of the helper');
    }
  });

  it('whatever a link leads to while it is swapped 100,000 times', async () => {
    mkdirSync(at('mine'));
    own('mine', ANN, ANN, 0o700);
    mkdirSync(at('secret'), { mode: 0o700 });
    using links = folderInMemory();
    const link = join(links.path, 'link');
    await using swapping = swap(link, at('mine'), at('secret'));
    await vi.waitUntil(() => swapping.count() > 0, 20_000);
    const seen = new Set<string>();
    for (let jobs = 0; jobs < 10 || swapping.count() < 100_000; jobs += 1) {
      try {
        const { output, job } = await run('stat -c %a:%u:%g /src', [{ source: link, target: '/src' }]);
        seen.add(job.status === JobStatus.COMPLETED ? (output[0] ?? '') : 'refused at its start');
      } catch (error) {
        expect(String(error)).toMatch('you may not read it');
        seen.add('refused');
      }
    }
    seen.delete('refused at its start');
    expect([...seen].sort()).toEqual(['700:65534:65534', 'refused']);
  });
});

describe('a target', () => {
  it.each([
    '/',
    '/etc',
    '/etc/x',
    '/usr/local',
    '/proc/x',
    '/dev/shm',
    '/sys',
    '/lib64/x',
    '/var',
    '/volumes/v',
    'src',
    '',
    '/a/../b',
    '/a//b',
    '/a/',
    '/a/./b',
    '/a:/b',
  ])('is refused: %j', async (target) => {
    await refused([{ source: home, target }]).toThrow(/must (?:be|not)/);
  });

  it('is refused where there are two of it', async () => {
    const mount = { source: home, target: '/src' };
    await refused([mount, mount]).toThrow('is the target of two mounts');
  });

  it('may not need a folder that would have to be made in another mount', async () => {
    const { job } = await run('true', [
      { source: home, target: '/src' },
      { source: '/usr/share/doc', target: '/src/new/inner', readOnly: true },
    ]);
    expect(job.failure?.layer).toBe('mount');
    expect(readdirSync(home)).toEqual([]);
  });
});

/** A socket of the user's. */
async function listening(path: string): Promise<AsyncDisposable & { readonly name: string }> {
  const server = createServer().listen(path);
  await once(server, 'listening');
  return {
    name: 'socket',
    [Symbol.asyncDispose]: async () => {
      server.close();
      await once(server, 'close');
    },
  };
}

/** Where links can be swapped fast. */
function folderInMemory(): Disposable & { readonly path: string } {
  const path = temporaryRoot('/dev/shm');
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

function swap(link: string, target: string, other: string): AsyncDisposable & { count(): number } {
  const script = join(import.meta.dirname, '../fixtures/swapping-process.ts');
  const child = spawn(process.execPath, [script, link, target, other], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let swaps = 0;
  child.stdout.on('data', (text: Buffer) => {
    swaps = Number(text.toString().trim().split('\n').at(-1));
  });
  return {
    count: () => swaps,
    [Symbol.asyncDispose]: async () => {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
}

describe('a source whose file system does not answer', () => {
  it('keeps nobody else from starting', async () => {
    await using one = await temporaryService({ jobs: { concurrent_starts: 1 } });
    const source = at('hung/sub');
    mkdirSync(source, { recursive: true });
    own('hung/sub', ANN, ANN, 0o700);
    const later = { mounts: [{ source, target: '/src' }], startAtUs: BigInt(Date.now() + 500) * 1000n };
    const { uuid } = await one.jobs.run(shell('true', later), ANN, GROUPS);
    await using _ = await coverWithHungFileSystem(at('hung'));
    await untilState(one.jobs, uuid, ({ status }) => status === JobStatus.INITIALIZING);
    const begin = performance.now();
    const other = await one.jobs.run(shell('true'), 0);
    expect(await untilEnded(one.jobs, other.uuid)).toMatchObject({ status: JobStatus.COMPLETED });
    expect(performance.now() - begin).toBeLessThan(5000);
    expect(await untilEnded(one.jobs, uuid)).toMatchObject({
      status: JobStatus.FAILED,
      failure: { layer: 'mount', cause: expect.stringContaining('does not answer') },
    });
  });
});
