/** Installing the helper where only root writes, and starting it from there: with the built helper, under a root of its own. */
import { type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { create, toBinary } from '@bufbuild/protobuf';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type ClientNode, clientConfigSchema } from '../../native-helper/api/config-schema.ts';
import { parseConfig } from '../../native-helper/api/config-text.ts';
import { GetLogsRequestSchema } from '../../native-helper/api/gen/joblet_pb.js';
import { clientConfigOf, pathsUnder } from '../../native-helper/api/paths.ts';
import { type Installation, installCommand } from '../../src-main/elevation/install-script.ts';
import { DIST, HELPER, JOBLET } from '../fixtures/dist.ts';
import { hashOf, installation } from '../fixtures/installation.ts';
import { temporaryRoot } from '../fixtures/root.ts';
import { frame, openHttp2 } from '../fixtures/transport.ts';

const PATIENCE_MS = 60_000;
const STRANGER = 65_534;

let root: string;
let installed: string;

beforeEach(() => {
  root = temporaryRoot();
  installed = join(root, 'var/lib/joblet/bin');
});

afterEach(() => {
  joblet('helper', 'stop');
  rmSync(root, { recursive: true, force: true });
});

function joblet(...words: readonly string[]): SpawnSyncReturns<string> {
  return spawnSync(JOBLET, ['--root', root, ...words], {
    encoding: 'utf8',
    timeout: PATIENCE_MS,
  });
}

function helperPid(): number {
  return JSON.parse(joblet('--json', 'helper', 'status').stdout).pid;
}

function install(from: Installation, environment: NodeJS.ProcessEnv = {}): SpawnSyncReturns<string> {
  const [program, ...argv] = installCommand(from);
  const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', ...environment };
  return spawnSync(program, argv, { env, encoding: 'utf8', timeout: PATIENCE_MS });
}

describe('joblet helper start', () => {
  it('installs the helper for root alone to write, and starts that one away from its caller', () => {
    expect(joblet('helper', 'start').status).toBe(0);
    const pid = helperPid();
    const build = readFileSync(join(DIST, 'build-id'), 'utf8');
    expect(readlinkSync(`/proc/${pid}/exe`)).toBe(join(installed, build, 'joblet-helper'));
    expect(statSync(join(installed, build)).mode & 0o777).toBe(0o755);
    const [session, ourSession] = [pid, process.pid].map(
      (each) =>
        readFileSync(`/proc/${each}/stat`, 'utf8')
          .replace(/^.*\) /, '')
          .split(' ')[3],
    );
    expect(session).toBe(String(pid));
    expect(session).not.toBe(ourSession);
  });

  it("does not give on the limits of its caller's shell, which jobs would have", () => {
    const line =
      'ulimit -S -t 600; ulimit -S -f 4000000; ulimit -S -s 1024; exec "$0" --root "$1" helper start';
    expect(spawnSync('sh', ['-c', line, JOBLET, root], { timeout: PATIENCE_MS }).status).toBe(0);
    const { stdout } = joblet('job', 'run', '--follow', 'sh', '-c', 'ulimit -t; ulimit -f; ulimit -s');
    expect(stdout).toBe('unlimited\nunlimited\n8192\n');
  });

  it('opens no debugger when it is signalled, as Node does', async () => {
    joblet('helper', 'start');
    const pid = helperPid();
    const { promise: isOpen, resolve } = Promise.withResolvers<boolean>();
    process.kill(pid, 'SIGUSR1');
    await delay(500);
    connect(9229, '127.0.0.1', () => resolve(true)).once('error', () => resolve(false));
    expect(await isOpen).toBe(false);
    expect(helperPid()).toBe(pid);
  });

  it('starts it under a root that is given through a symbolic link', () => {
    const link = `${root}.link`;
    symlinkSync(root, link);
    const { status, stderr } = spawnSync(JOBLET, ['--root', link, 'helper', 'start'], {
      encoding: 'utf8',
      timeout: PATIENCE_MS,
    });
    rmSync(link);
    expect(status, stderr).toBe(0);
    expect(helperPid()).toBeGreaterThan(0);
  });

  it('leaves the one that runs alone', () => {
    joblet('helper', 'start');
    const pid = helperPid();
    expect(joblet('helper', 'start').stdout).toContain('runs already');
    expect(helperPid()).toBe(pid);
  });

  it('replaces one that hangs', { timeout: PATIENCE_MS }, () => {
    expect(joblet('helper', 'start').status).toBe(0);
    const pid = helperPid();
    const uuid = JSON.parse(joblet('--json', 'job', 'run', 'sleep', '60').stdout).job_uuid;
    process.kill(pid, 'SIGSTOP');
    expect(joblet('helper', 'start').status).toBe(0);
    expect(helperPid()).not.toBe(pid);
    expect(JSON.parse(joblet('--json', 'job', 'status', uuid).stdout).status).toBe('RUNNING');
    joblet('job', 'stop', '--grace', '0s', uuid);
  });

  it('starts it again after it was stopped, without installing it again', () => {
    joblet('helper', 'start');
    const copied = statSync(join(installed, 'current/joblet-helper')).ino;
    expect(joblet('helper', 'stop').status).toBe(0);
    expect(joblet('helper', 'start').status).toBe(0);
    expect(statSync(join(installed, 'current/joblet-helper')).ino).toBe(copied);
  });
});

describe('what the helper says on its standard error', () => {
  it('does not grow with clients that go away before they have their answer', async () => {
    joblet('helper', 'start');
    const { job_uuid: id } = JSON.parse(
      joblet('--json', 'job', 'run', '--', 'head', '-c', '1000000', '/dev/zero').stdout,
    );
    joblet('job', 'wait', id);
    const paths = pathsUnder(root);
    const config = clientConfigOf(paths, 0);
    const [node] = Object.values(parseConfig(readFileSync(config, 'utf8'), clientConfigSchema, config).nodes);
    const session = openHttp2(paths.socket, node as ClientNode, { initialWindowSize: 0 });
    const logs = session.request({
      ':method': 'POST',
      ':path': '/joblet.v1.JobService/GetLogs',
      'content-type': 'application/grpc',
    });
    logs.end(frame(toBinary(GetLogsRequestSchema, create(GetLogsRequestSchema, { id }))));
    await once(logs, 'response');
    session.destroy();
    await once(session, 'close');
    joblet('helper', 'stop');
    expect(readFileSync(join(paths.stateDirectory, 'start.log'), 'utf8')).toBe('');
  });
});

describe('the installation', () => {
  it('refuses a helper that was swapped after its hash was taken, and keeps the one before', () => {
    joblet('helper', 'start');
    const swapped = join(root, 'swapped');
    cpSync(join(DIST, 'elevate-start'), join(swapped, 'elevate-start'));
    cpSync('/bin/true', join(swapped, 'joblet-helper'));
    const { status, stderr } = install({ ...installation(root, swapped), buildId: 'f'.repeat(64) });
    expect(status).not.toBe(0);
    expect(stderr).toMatch(/joblet-helper: FAILED|did NOT match/);
    expect(existsSync(join(installed, 'f'.repeat(64)))).toBe(false);
    expect(hashOf(join(installed, 'current/joblet-helper'))).toBe(hashOf(HELPER));
  });

  it('shows nobody what a link in the build leads to', () => {
    const linked = join(root, 'linked');
    cpSync(join(DIST, 'elevate-start'), join(linked, 'elevate-start'));
    symlinkSync('/etc/shadow', join(linked, 'joblet-helper'));
    expect(install(installation(root, linked)).status).not.toBe(0);
    expect(statSync(join(installed, 'new')).mode & 0o077).toBe(0);
  });

  it('lets in the uid that sudo or pkexec vouch for, and nothing that only looks like one', () => {
    expect(install(installation(root), { SUDO_UID: '4242' }).status).toBe(0);
    expect(existsSync(join(root, 'etc/joblet/clients/4242.yml'))).toBe(true);
    expect(install(installation(root), { PKEXEC_UID: '$(touch /tmp/x)' }).status).toBe(0);
  });

  it('says why when the helper ends at once', { timeout: PATIENCE_MS }, () => {
    mkdirSync(join(root, 'etc/joblet'), { recursive: true });
    writeFileSync(join(root, 'etc/joblet/joblet-config.yml'), 'version: 9\n', { mode: 0o600 });
    const { status, stderr } = joblet('helper', 'start');
    expect(status).not.toBe(0);
    expect(stderr).toContain('joblet-config.yml');
  });
});

describe('elevate-start', () => {
  const start = (environment: NodeJS.ProcessEnv = {}) =>
    spawnSync(join(installed, 'elevate-start'), { env: environment, encoding: 'utf8', timeout: PATIENCE_MS });

  beforeEach(() => {
    install(installation(root));
    joblet('helper', 'stop');
  });

  it("can't be held up by another user", async () => {
    const stranger = spawn('flock', ['--shared', '--no-fork', installed, 'sleep', '600'], { uid: STRANGER });
    await vi.waitUntil(() => readlinkSync(`/proc/${stranger.pid}/exe`).endsWith('sleep'));
    expect(start()).toMatchObject({ status: 0, stderr: '' });
    stranger.kill();
  });

  it('heeds nothing of its environment', () => {
    const script = join(root, 'script');
    writeFileSync(script, `touch ${root}/run-by-bash`);
    const { status } = start({ BASH_ENV: script, 'BASH_FUNC_flock%%': `() { . ${script}; }`, PATH: root });
    expect({ status, ran: existsSync(join(root, 'run-by-bash')) }).toEqual({ status: 0, ran: false });
  });
});
