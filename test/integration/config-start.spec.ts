/** The helper's way up as its users meet it: what it makes, what it refuses, and with which words. */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  globSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clientConfigOf, type Paths, pathsUnder } from '../../native-helper/api/paths.ts';
import { treeName } from '../../native-helper/kernel/cgroup.ts';
import { HELPER } from '../fixtures/dist.ts';
import { temporaryRoot } from '../fixtures/root.ts';
import { RunningHelper } from '../fixtures/running-helper.ts';

const STRANGER = 65_533;

let paths: Paths;
beforeEach(() => {
  paths = pathsUnder(temporaryRoot());
});
afterEach(() => rmSync(paths.root, { recursive: true, force: true }));

/** For starts that must fail: ends by itself. */
const start = (options: { args?: string[]; env?: Record<string, string>; uid?: number } = {}) => {
  const { args = ['--root', paths.root], env = {}, uid } = options;
  let helper = HELPER;
  if (uid !== undefined) {
    // The checkout may lie in a home that is closed to others.
    helper = join(paths.root, 'joblet-helper');
    copyFileSync(HELPER, helper);
  }
  const { status, stdout, stderr } = spawnSync(helper, args, {
    encoding: 'utf8',
    env,
    timeout: 20_000,
    ...(uid !== undefined && { uid, gid: uid }),
  });
  return { status, stdout, stderr };
};
const refusal = (options?: Parameters<typeof start>[0]): string => {
  const { status, stderr } = start(options);
  expect(status).toBe(1);
  return stderr;
};
const modeOf = (path: string) => (lstatSync(path).mode & 0o7777).toString(8);

describe('the command line', () => {
  it('shows help and version', () => {
    expect(start({ args: ['--help'] })).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('Usage:'),
    });
    expect(start({ args: ['--version'] }).stdout).toMatch(/^joblet-helper \d+\.\d+\.\d+\n$/);
  });
  it.each([
    ['an unknown flag', { args: ['--frob'] }, '--frob'],
    ['an operand', { args: ['x'] }, 'x'],
    ["the other mode's flag", { args: ['--manifest', 'x'] }, '--manifest'],
    ['an unknown mode', { env: { JOBLET_MODE: 'frob' } }, 'must be server or init'],
    ['a uid other than root', { uid: STRANGER }, 'must run as root'],
    ['a root that is a file', { args: ['--root', '/etc/passwd'] }, 'a file where a folder should be'],
    ['a root that is not there', { args: ['--root', '/nowhere/at/all'] }, '/nowhere/at/all'],
  ])('refuses %s', (_what, options, words) => {
    expect(refusal(options)).toContain(words);
  });
});

describe('the first start', () => {
  it('makes every folder and file with its owner and mode', async () => {
    await using _helper = await RunningHelper.start({ root: paths.root });
    expect(modeOf(paths.configDirectory)).toBe('755');
    expect(modeOf(paths.clientConfigDirectory)).toBe('755');
    expect(modeOf(paths.runDirectory)).toBe('755');
    expect(modeOf(paths.monitorsDirectory)).toBe('700');
    expect(modeOf(paths.stateDirectory)).toBe('711');
    expect(modeOf(paths.jobsDirectory)).toBe('700');
    for (const secret of [paths.serverConfig, paths.database, paths.helperLog, clientConfigOf(paths, 0)]) {
      expect(modeOf(secret)).toBe('600');
      expect(statSync(secret).uid).toBe(0);
    }
    expect(lstatSync(paths.socket).isSocket()).toBe(true);
    expect(modeOf(paths.socket)).toBe('666');
    expect(readFileSync(paths.helperLog, 'utf8')).not.toContain('PRIVATE KEY');
  });

  it('removes its socket at its end, and the next helper needs no new certificates', async () => {
    await using helper = await RunningHelper.start({ root: paths.root });
    const before = readFileSync(paths.serverConfig, 'utf8') + readFileSync(clientConfigOf(paths, 0), 'utf8');
    await helper.stop();
    expect(statSync(paths.socket, { throwIfNoEntry: false })).toBeUndefined();
    await helper.startAgain();
    await helper.stop();
    expect(readFileSync(paths.serverConfig, 'utf8') + readFileSync(clientConfigOf(paths, 0), 'utf8')).toBe(
      before,
    );
  });
});

describe('the socket', () => {
  it('that a killed helper has left is replaced', async () => {
    await using helper = await RunningHelper.start({ root: paths.root });
    await helper.kill();
    expect(lstatSync(paths.socket).isSocket()).toBe(true);
    await helper.startAgain();
    await helper.stop();
  });

  it('is refused when something else lies there', () => {
    mkdirSync(paths.runDirectory, { recursive: true });
    writeFileSync(paths.socket, 'mine');
    expect(refusal()).toContain('not ours');
    expect(readFileSync(paths.socket, 'utf8')).toBe('mine');
    expect(globSync(`/sys/fs/cgroup/{,unified/}${treeName(paths.root)}`)).toEqual([]);
  });

  it('is refused when another program listens on it', async () => {
    mkdirSync(paths.runDirectory, { recursive: true });
    const server = createServer().listen(paths.socket);
    try {
      // Its own process: this one must go on accepting.
      const { spawn } = await import('node:child_process');
      const child = spawn(HELPER, ['--root', paths.root], { env: {}, stdio: ['ignore', 'ignore', 'pipe'] });
      let words = '';
      child.stderr.on('data', (chunk) => {
        words += chunk;
      });
      await new Promise((done) => child.once('close', done));
      expect(words).toContain('another program is listening');
    } finally {
      server.close();
    }
  });

  it('is refused when its path is longer than a socket can have', () => {
    const root = join(paths.root, 'x'.repeat(100));
    mkdirSync(root);
    expect(refusal({ args: ['--root', root] })).toContain('107 bytes');
  });
});

describe('a second helper', () => {
  it('says who was first and since when', async () => {
    await using helper = await RunningHelper.start({ root: paths.root });
    expect(refusal()).toMatch(new RegExp(`process ${helper.pid}, since \\d{4}-`));
  });
});

describe('a folder', () => {
  it.each([
    [
      'that belongs to someone else',
      () => chownSync(paths.stateDirectory, STRANGER, STRANGER),
      'belongs to uid 65533',
    ],
    ['that others can write', () => chmodSync(paths.runDirectory, 0o777), 'can be written by others'],
    ["that root's group can write", () => chmodSync(paths.runDirectory, 0o775), 'can be written by others'],
    [
      'above ours that a group can write',
      () => chmodSync(join(paths.root, 'var/lib'), 0o775),
      'can be written by others',
    ],
    ['that is a root which is sticky', () => chmodSync(paths.root, 0o1777), 'can be written by others'],
    [
      'above ours that belongs to someone else',
      () => chownSync(join(paths.root, 'var'), STRANGER, STRANGER),
      'belongs to uid 65533',
    ],
  ])('%s is refused', async (_what, change, words) => {
    await (await RunningHelper.start({ root: paths.root })).stop();
    change();
    expect(refusal()).toContain(words);
  });

  it('that is a symbolic link is refused and not followed', () => {
    const elsewhere = join(paths.root, 'elsewhere');
    mkdirSync(elsewhere);
    mkdirSync(join(paths.root, 'run'));
    symlinkSync(elsewhere, paths.runDirectory);
    expect(refusal()).toContain('symbolic link');
    expect(statSync(join(elsewhere, 'monitors'), { throwIfNoEntry: false })).toBeUndefined();
  });

  it('of the system that is a link to below what belongs to someone else is refused', () => {
    const theirs = temporaryRoot();
    mkdirSync(join(theirs, 'var'), { mode: 0o755 });
    symlinkSync(join(theirs, 'var'), join(paths.root, 'var'));
    chownSync(theirs, STRANGER, STRANGER);
    const words = refusal();
    expect(words).toContain('belongs to uid 65533');
    expect(words).toContain(theirs);
    rmSync(theirs, { recursive: true });
  });

  it('of the system may be a link that nobody but root can swap', async () => {
    const other = temporaryRoot();
    mkdirSync(join(other, 'var'), { mode: 0o755 });
    symlinkSync(join(other, 'var'), join(paths.root, 'var'));
    await using helper = await RunningHelper.start({ root: paths.root });
    await helper.stop();
    expect(readdirSync(join(other, 'var/lib/joblet'))).toContain('state.db');
    rmSync(other, { recursive: true });
  });

  it('that is a root of someone else is refused', () => {
    chownSync(paths.root, STRANGER, STRANGER);
    expect(refusal()).toContain('belongs to uid 65533');
  });
});

describe('a root that is given through a symbolic link', () => {
  let link: string;
  beforeEach(() => {
    link = join(temporaryRoot(), 'link');
    symlinkSync(paths.root, link);
  });
  afterEach(() => rmSync(dirname(link), { recursive: true, force: true }));

  it('is resolved once: where the link leads later is nothing to the helper', async () => {
    const elsewhere = temporaryRoot();
    await using helper = await RunningHelper.start({ root: link });
    const client = await helper.connect();
    rmSync(link);
    symlinkSync(elsewhere, link);
    const { uuid } = await client.jobs.runJob({ spec: { command: 'true' } });
    for await (const _ of client.followLogs({ id: uuid, signal: AbortSignal.timeout(20_000) })) {
      // Its end is what is waited for.
    }
    await client.helper.rotateCertificates({});
    expect(readdirSync(paths.jobsDirectory)).toEqual([uuid]);
    expect(readFileSync(clientConfigOf(paths, 0), 'utf8')).toContain(`unix://${paths.socket}`);
    expect(readdirSync(elsewhere)).toEqual([]);
    rmSync(elsewhere, { recursive: true });
    client.close();
    await helper.stop();
  });

  it('is refused for what lies above the folder that it leads to', () => {
    const theirs = temporaryRoot();
    const root = join(theirs, 'root');
    mkdirSync(root, { mode: 0o755 });
    chownSync(theirs, STRANGER, STRANGER);
    rmSync(link);
    symlinkSync(root, link);
    const words = refusal({ args: ['--root', link] });
    expect(words).toContain('belongs to uid 65533');
    expect(words).toContain(theirs);
    expect(readdirSync(root)).toEqual([]);
    rmSync(theirs, { recursive: true });
  });
});

describe('who elevated', () => {
  it('gets a configuration of their own, and is listed', async () => {
    await using helper = await RunningHelper.start({ root: paths.root, elevatedBy: STRANGER });
    await helper.stop();
    const path = clientConfigOf(paths, STRANGER);
    expect(statSync(path)).toMatchObject({ uid: STRANGER });
    expect(modeOf(path)).toBe('600');
    expect(readFileSync(paths.serverConfig, 'utf8')).toMatch(/allowed_uids:\n\s+- 65533/);
  });

  it('stays listed when another does so after, and what an administrator wrote beside a uid stays too', async () => {
    await (await RunningHelper.start({ root: paths.root, elevatedBy: STRANGER })).stop();
    const text = readFileSync(paths.serverConfig, 'utf8');
    writeFileSync(paths.serverConfig, text.replace('- 65533', '- 65533 # Ann'));
    await using helper = await RunningHelper.start({ root: paths.root, elevatedBy: STRANGER - 1 });
    await helper.stop();
    expect(readFileSync(paths.serverConfig, 'utf8')).toMatch(/allowed_uids:\n\s+- 65533 # Ann\n\s+- 65532\n/);
    expect(statSync(clientConfigOf(paths, STRANGER - 1))).toMatchObject({ uid: STRANGER - 1 });
  });

  it('is refused when the list is full, and the file stays one that can be read', async () => {
    await (await RunningHelper.start({ root: paths.root, elevatedBy: STRANGER })).stop();
    const text = readFileSync(paths.serverConfig, 'utf8');
    const others = Array.from({ length: 1023 }, (_, index) => `  - ${100_000 + index}\n`);
    const full = text.replace('- 65533\n', `- 65533\n${others.join('')}`);
    writeFileSync(paths.serverConfig, full);
    const words = refusal({ env: { SUDO_UID: String(STRANGER - 1) } });
    expect(words).toContain('allowed_uids');
    expect(readFileSync(paths.serverConfig, 'utf8')).toBe(full);
  });
});
