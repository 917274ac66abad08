/** Starting the helper: as root at once, otherwise through the ways in which this machine lets its user become root. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { causeOf, JobletError } from '../../native-helper/api/errors.ts';
import type { Paths } from '../../native-helper/api/paths.ts';
import { startThroughPrompt } from './graphical-prompt.ts';
import { type Installation, installCommand, installCommandLine } from './install-script.ts';

/** From the start of the process to an answer to the first call, ms. It takes one second, and 40 on a machine under load. */
const START_PATIENCE_MS = 60_000;
const POLL_MS = 50;
const CHUNK_BYTES = 2 ** 20;

export interface RunningHelper {
  readonly pid: number;
  readonly buildId: string;
}

export interface StartRequest {
  readonly paths: Paths;
  /** Asks the helper who it is over its socket; null = nobody answers. This folder speaks no RPC itself. */
  readonly askHelper: () => Promise<RunningHelper | null>;
  /** Told what is being waited for, one line at a time. */
  readonly report: (line: string) => void;
  /** Asks the person at the terminal; null where there is none. */
  readonly confirm: ((question: string) => Promise<boolean>) | null;
}

export interface StartOutcome {
  readonly what: 'started' | 'replaced' | 'was running';
  readonly helper: RunningHelper;
}

/**
 * Makes sure that the helper of this build runs. One of another build is replaced; its jobs go on.
 *
 * @throws JobletError that says what the user can type when they may not become root this way.
 */
export async function startHelper(request: StartRequest): Promise<StartOutcome> {
  const build = await findBuild();
  const running = await whoRuns(request);
  if (running?.buildId === build.buildId) {
    return { what: 'was running', helper: running };
  }
  if (running !== null) {
    request.report(`replacing the helper of another build (pid ${running.pid}); its jobs go on`);
  }
  await startAsRoot(request, build);
  const helper = await waitForHelper(request, build.buildId);
  return { what: running === null ? 'started' : 'replaced', helper };
}

/**
 * A helper that refuses its user, for a certificate or the lack of one, is replaced: on its way up it allows who became root, and
 * makes anew what that user's configuration lacks.
 */
async function whoRuns(request: StartRequest): Promise<RunningHelper | null> {
  try {
    return await request.askHelper();
  } catch (error) {
    if (error instanceof JobletError && error.kind === 'refused') {
      request.report(`${error.message} A start may mend that.`);
      return null;
    }
    throw error;
  }
}

/**
 * What root has to run once, as a line for a shell: it installs a build of the helper and starts it.
 *
 * @param directory where that build lies
 * @throws JobletError when it can't be read
 */
export async function installationCommandLine(paths: Paths, directory: string): Promise<string> {
  return installCommandLine(await describeInstallation(paths, await readBuild(directory)));
}

interface Build {
  readonly directory: string;
  readonly buildId: string;
}

/** The output of the build that this code belongs to: beside the bundle, or `dist` of the checkout. */
function findBuild(): Promise<Build> {
  const isBundled = extname(import.meta.filename) !== '.ts';
  return readBuild(join(import.meta.dirname, isBundled ? '..' : '../../dist'));
}

async function readBuild(directory: string): Promise<Build> {
  try {
    return { directory, buildId: await readFile(join(directory, 'build-id'), 'utf8') };
  } catch (error) {
    throw new JobletError('unavailable', {
      layer: 'elevation',
      operation: 'read',
      object: join(directory, 'build-id'),
      reason: causeOf(error),
      mend: 'Build the helper first: npm run build',
    });
  }
}

async function startAsRoot(request: StartRequest, build: Build): Promise<void> {
  const { paths } = request;
  const unasked = await wayToRootUnasked(request);
  const how = unasked?.length === 0 ? '' : ', by sudo, which asks you for no password';
  if (await isInstalled(paths, build)) {
    if (unasked !== null) {
      request.report(`starting the helper${how}`);
      return await runPrivileged([...unasked, join(paths.installDirectory, 'elevate-start')]);
    }
    if (paths.root === '/') {
      request.report('waiting for the password prompt');
      return await startThroughPrompt();
    }
  }
  const installation = await describeInstallation(paths, build);
  if (unasked !== null) {
    request.report(`installing and starting the helper${how}`);
    return await runPrivileged([...unasked, ...installCommand(installation)]);
  }
  await installThroughSudo(request, installation);
}

async function describeInstallation(paths: Paths, build: Build): Promise<Installation> {
  const [helperHash, starterHash] = await Promise.all([
    hashOf(join(build.directory, 'joblet-helper')),
    hashOf(join(build.directory, 'elevate-start')),
  ]);
  const root = paths.root === '/' ? '' : paths.root;
  return { ...build, helperHash, starterHash, root, uid: process.getuid?.() ?? 0 };
}

/**
 * What to put before a command so that root runs it with nobody being asked; null = somebody has to be. Where there is a person
 * to ask, only root is not asked. A password that `sudo` still remembers is no leave to go without (`-k`).
 */
async function wayToRootUnasked(request: StartRequest): Promise<string[] | null> {
  if (process.getuid?.() === 0) {
    return [];
  }
  if (request.confirm !== null) {
    return null;
  }
  const argv = ['-k', '-n', 'true'];
  const { promise, resolve } = Promise.withResolvers<boolean>();
  spawn('sudo', argv, { stdio: 'ignore' })
    .on('error', () => resolve(false))
    .on('close', (code) => resolve(code === 0));
  return (await promise) ? ['sudo', '-n'] : null;
}

/** Whether what stands in the root-owned folder is this build, byte for byte. */
async function isInstalled(paths: Paths, build: Build): Promise<boolean> {
  const current = join(paths.installDirectory, 'current');
  try {
    const same = ['elevate-start', 'joblet-helper'].map((name) =>
      haveSameBytes(join(build.directory, name), join(current, name)),
    );
    return (await Promise.all(same)).every(Boolean);
  } catch {
    return false;
  }
}

/** Not by hashes: those of a helper that weighs 130 MB take seconds where the processor has no instructions for them. */
async function haveSameBytes(one: string, other: string): Promise<boolean> {
  await using left = await open(one);
  await using right = await open(other);
  const [leftBytes, rightBytes] = [Buffer.allocUnsafe(CHUNK_BYTES), Buffer.allocUnsafe(CHUNK_BYTES)];
  for (;;) {
    const [{ bytesRead }, { bytesRead: rightRead }] = await Promise.all([
      left.read(leftBytes),
      right.read(rightBytes),
    ]);
    if (bytesRead !== rightRead || leftBytes.compare(rightBytes, 0, bytesRead, 0, bytesRead) !== 0) {
      return false;
    }
    if (bytesRead === 0) {
      return true;
    }
  }
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: CHUNK_BYTES }), hash);
  return hash.digest('hex');
}

async function installThroughSudo(request: StartRequest, installation: Installation): Promise<void> {
  const commandLine = installCommandLine(installation);
  request.report(
    'The helper runs as root, so this build of it has to be installed once, by this command. Whoever may use sudo can run it\n' +
      `for you; it lets you in (uid ${installation.uid}):\n\n${commandLine}\n`,
  );
  if (request.confirm === null || !(await request.confirm('Run it now?'))) {
    throw new JobletError('refused', {
      layer: 'elevation',
      operation: 'install',
      object: request.paths.installDirectory,
      reason: 'only root may',
      mend: 'Run the command above, or have an administrator run it; then this one again.',
    });
  }
  await runPrivileged(['sudo', ...installCommand(installation)], 'inherit');
}

/** Its own words go to the user: it is root that tells what it could not do. */
async function runPrivileged(
  [program = '', ...argv]: readonly string[],
  stdin: 'ignore' | 'inherit' = 'ignore',
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const child = spawn(program, argv, {
      cwd: '/',
      stdio: [stdin, 'ignore', stdin === 'inherit' ? 'inherit' : 'pipe'],
    });
    let stderr = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    const fail = (reason: string) =>
      reject(
        new JobletError('unavailable', {
          layer: 'elevation',
          operation: 'start',
          object: program,
          reason,
          mend: '',
        }),
      );
    child.on('error', (error) => fail(causeOf(error)));
    child.on('close', (code, signal) =>
      code === 0 ? resolve() : fail(stderr.trim() || `${signal ?? `exit code ${code}`}`),
    );
  });
}

async function waitForHelper(request: StartRequest, buildId: string): Promise<RunningHelper> {
  const deadline = Date.now() + START_PATIENCE_MS;
  for (;;) {
    const helper = await request.askHelper();
    if (helper?.buildId === buildId) {
      return helper;
    }
    if (Date.now() >= deadline) {
      throw new JobletError('unavailable', {
        layer: 'elevation',
        operation: 'wait for',
        object: request.paths.socket,
        reason: `no helper of this build answered within ${START_PATIENCE_MS / 1000} s`,
        mend: `Its log is ${request.paths.helperLog}; what it said before that, ${join(request.paths.stateDirectory, 'start.log')}`,
      });
    }
    await sleep(POLL_MS);
  }
}
