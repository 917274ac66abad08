/** What must be there before anything can be built: Node, npm's packages, Debian's packages. */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { runQuietly, runVisibly } from './run.mjs';
import { confirm, isInteractive, SetupError, step } from './terminal.mjs';

export const ROOT = resolve(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '../../..');
/** The Node that everything but this set-up runs on: npm brings it with the other packages. */
export const PINNED_NODE = join(ROOT, 'node_modules/.bin/node');
const OLDEST_NODE = 20;

/** The environment in which the tools that npm installed are found by name, the pinned Node first. */
export function toolEnvironment() {
  return { ...process.env, PATH: [join(ROOT, 'node_modules/.bin'), process.env.PATH].join(delimiter) };
}

export function checkPlatform() {
  const major = Number.parseInt(process.versions.node, 10);
  if (major < OLDEST_NODE) {
    throw new SetupError(
      'Node',
      `this is ${process.version}, and set-up needs ${OLDEST_NODE} or newer`,
      `Install it from your distribution or from nodejs.org, with npm. (What runs afterwards is a pinned Node of our own.)`,
    );
  }
  if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch)) {
    throw new SetupError(
      'platform',
      `this is ${process.platform} on ${process.arch}`,
      'Joblet Desktop sandboxes jobs with the Linux kernel, on x86-64 and arm64.',
    );
  }
}

/** @param {string} log */
export async function installNpmPackages(log) {
  const stale = whyStale();
  if (stale !== null) {
    await step(`npm packages (${stale})`, () =>
      runQuietly(
        log,
        'npm',
        ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--prefix', ROOT],
        {
          mend: "npm must reach its registry; behind a proxy, set npm's `proxy` and `https-proxy`.",
        },
      ),
    );
  }
  if (!existsSync(PINNED_NODE)) {
    throw new SetupError(
      'npm ci',
      `left no ${PINNED_NODE}`,
      'It is an optional dependency: run `npm ci --include=optional`, and see that npm does not omit any.',
    );
  }
}

/**
 * npm writes what it installed into node_modules once all of it is there.
 *
 * @returns {string | null} null = all that the lock file names for this machine is installed
 */
function whyStale() {
  const read = (path) => JSON.parse(readFileSync(join(ROOT, path), 'utf8')).packages;
  let installed;
  try {
    installed = read('node_modules/.package-lock.json');
  } catch {
    return 'none are installed';
  }
  const wanted = read('package-lock.json');
  const isSame = (path) => installed[path]?.version === wanted[path].version;
  const missing = Object.keys(wanted).find(
    (path) => path !== '' && !isSame(path) && !(installed[path] === undefined && wanted[path].optional),
  );
  return missing === undefined
    ? null
    : `${missing.replace(/^.*node_modules\//, '')} is not as the lock file says`;
}

/**
 * @typedef {object} SystemPackage
 * @property {string} name Debian's name
 * @property {string | (() => boolean)} provides a program on the PATH, an absolute path that the package brings, or a look
 */

/**
 * Installs what is missing, where that is allowed. What could not be installed is said and not thrown: what it is needed
 * for may be left out.
 *
 * @param {string} log
 * @param {readonly SystemPackage[]} packages
 * @returns {Promise<readonly SystemPackage[]>} what is still missing
 */
export async function installSystemPackages(log, packages) {
  const missing = whatIsMissing(packages);
  if (missing.length === 0) {
    return [];
  }
  const unasked = wayToRootUnasked();
  if (isThere('apt-get') && unasked !== null) {
    const names = missing.map(({ name }) => name).join(', ');
    const how = unasked.length > 0 ? ' (by sudo, which asks you for no password)' : '';
    await step(`Debian packages${how}: ${names}`, () => aptInstall(log, missing, unasked));
  } else {
    await offerSudo(missing);
  }
  return whatIsMissing(packages);
}

/** @param {readonly SystemPackage[]} packages */
function whatIsMissing(packages) {
  return packages.filter(({ provides }) => !isThere(provides));
}

/**
 * For root's shell. The lists are fetched first, since they may be missing or older than the archive; that this fails is no
 * reason not to try. Another apt, such as the one that works after a boot, is waited for.
 *
 * @param {readonly SystemPackage[]} packages
 */
function aptCommand(packages) {
  const names = packages.map(({ name }) => name).join(' ');
  return `apt-get update; apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=300 ${names}`;
}

/**
 * What a person who is not root has to do.
 *
 * @param {readonly SystemPackage[]} packages
 */
export function howToInstall(packages) {
  return isThere('apt-get')
    ? `sudo sh -c '${aptCommand(packages)}'`
    : `your package manager, under its own names for Debian's ${packages.map(({ name }) => name).join(', ')}`;
}

/**
 * What to put before a command so that root runs it with nobody being asked; null = somebody has to be. Where there is a person
 * to ask, only root is not asked. A password that `sudo` still remembers is no leave to go without (`-k`).
 *
 * @returns {readonly string[] | null}
 */
function wayToRootUnasked() {
  if (process.getuid() === 0) {
    return [];
  }
  const asksNothing = !isInteractive() && spawnSync('sudo', ['-k', '-n', 'true']).status === 0;
  return asksNothing ? ['sudo', '-n'] : null;
}

/**
 * @param {string} log
 * @param {readonly SystemPackage[]} packages
 * @param {readonly string[]} asRoot what makes root run the command that follows
 */
async function aptInstall(log, packages, asRoot) {
  const settings = ['DEBIAN_FRONTEND=noninteractive', 'LC_ALL=C.UTF-8'];
  const [program, ...argv] = [...asRoot, 'env', ...settings, 'sh', '-c', aptCommand(packages)];
  try {
    await runQuietly(log, program, argv, { mend: "apt must reach Debian's archive." });
  } catch (error) {
    process.stdout.write(`${error.message}\n`);
  }
}

/** Where nobody can be asked, the command is told with what can't be done without it. */
async function offerSudo(packages) {
  const names = packages.map(({ name }) => name).join(' ');
  process.stdout.write(`-- Packages are missing, which only root may install: ${names}\n`);
  if (isThere('apt-get') && isThere('sudo') && isInteractive()) {
    process.stdout.write(`\n   ${howToInstall(packages)}\n\n`);
    if (await confirm('Run it now?')) {
      await runVisibly('sudo', ['sh', '-c', aptCommand(packages)]);
    }
  }
}

/** @param {SystemPackage['provides']} provided */
export function isThere(provided) {
  if (typeof provided === 'function') {
    return provided();
  }
  const places = provided.startsWith('/')
    ? [provided]
    : [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'].map((folder) =>
        join(folder, provided),
      );
  return places.some((path) => {
    try {
      accessSync(path, constants.R_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** What the C executor is built with: a compiler, its C library, the kernel's headers. */
export function compilerPackages() {
  return [
    { name: 'gcc', provides: 'gcc' },
    { name: 'musl-tools', provides: 'musl-gcc' },
    { name: 'linux-libc-dev', provides: '/usr/include/linux/openat2.h' },
  ];
}

/** Only jobs with a network of their own need them: others run without. */
export const NETWORK_PROGRAMS = [
  { name: 'iproute2', provides: 'ip' },
  { name: 'nftables', provides: 'nft' },
];

/** What shows the app's window to its tests, and its notifications. */
export const DESKTOP_SESSION = [
  { name: 'xvfb', provides: 'Xvfb' },
  { name: 'dbus', provides: 'dbus-daemon' },
  { name: 'dunst', provides: 'dunstctl' },
];

/** @param {readonly SystemPackage[]} missing */
export function requireAll(missing) {
  if (missing.length > 0) {
    throw new SetupError(
      'set-up',
      `not installed: ${missing.map(({ name }) => name).join(' ')}`,
      `Run this again once they are, by: ${howToInstall(missing)}`,
    );
  }
}

/**
 * The build's own words are shown: it is quick, and silent when nothing changed.
 *
 * @param {...string} flags
 */
export async function buildEverything(...flags) {
  const argv = [join(ROOT, 'src-main/setup/build.ts'), ...flags];
  const code = await runVisibly(PINNED_NODE, argv, toolEnvironment());
  if (code !== 0) {
    throw new SetupError(
      'build',
      `exit code ${code}; what failed stands above`,
      'Mend it and run `npm run build`.',
    );
  }
}
