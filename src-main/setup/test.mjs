/**
 * `npm test`: from a fresh clone to the verdict on all tests. Sets up what they need, then hands over to test/main.ts, which runs
 * on the pinned Node. The last line is `N passed, N failed`.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { electronLibraries, obtainElectron } from './bootstrap/electron.mjs';
import {
  buildEverything,
  checkPlatform,
  compilerPackages,
  DESKTOP_SESSION,
  howToInstall,
  installNpmPackages,
  installSystemPackages,
  isThere,
  NETWORK_PROGRAMS,
  PINNED_NODE,
  ROOT,
  requireAll,
  toolEnvironment,
} from './bootstrap/prepare.mjs';
import { runVisibly } from './bootstrap/run.mjs';
import { runMain, section, step } from './bootstrap/terminal.mjs';

const LOG = join(ROOT, 'dist/setup.log');

/** What only the tests need: each part of them that lacks its own is named and left out. */
const TEST_PACKAGES = [
  {
    name: 'libc6-dev',
    provides: `/usr/lib/${process.arch === 'x64' ? 'x86_64' : 'aarch64'}-linux-gnu/libc.a`,
  },
  process.arch === 'x64'
    ? { name: 'qemu-system-x86', provides: 'qemu-system-x86_64' }
    : { name: 'qemu-system-arm', provides: 'qemu-system-aarch64' },
  { name: 'busybox-static', provides: 'busybox' },
  { name: 'e2fsprogs', provides: '/usr/sbin/mkfs.ext4' },
  { name: 'zstd', provides: 'zstdcat' },
  { name: 'dmsetup', provides: '/usr/sbin/dmsetup' },
  { name: 'polkitd', provides: '/usr/lib/polkit-1/polkitd' },
  { name: 'pkexec', provides: 'pkexec' },
  { name: 'sudo', provides: 'sudo' },
  { name: 'systemd', provides: '/usr/lib/systemd/systemd' },
  { name: 'bubblewrap', provides: 'bwrap' },
  { name: 'runc', provides: 'runc' },
  { name: 'clang', provides: 'clang' },
  { name: 'llvm', provides: 'llvm-cov' },
  { name: 'libclang-rt-dev', provides: hasFuzzer },
  { name: 'python3-numpy', provides: '/usr/lib/python3/dist-packages/numpy/__init__.py' },
  { name: 'ffmpeg', provides: 'ffmpeg' },
  ...NETWORK_PROGRAMS,
  ...DESKTOP_SESSION,
  ...electronLibraries(),
];

/** The library's folder is named for clang's version. */
function hasFuzzer() {
  if (!isThere('clang')) {
    return false;
  }
  const library = `libclang_rt.fuzzer-${process.arch === 'x64' ? 'x86_64' : 'aarch64'}.a`;
  return existsSync(execFileSync('clang', [`-print-file-name=${library}`], { encoding: 'utf8' }).trim());
}

async function main() {
  section('Set-up');
  checkPlatform();
  await installNpmPackages(LOG);
  const missing = await installSystemPackages(LOG, [...compilerPackages(), ...TEST_PACKAGES]);
  requireAll(missing.filter((each) => !TEST_PACKAGES.includes(each)));
  await step('build', async () => {
    await buildEverything();
    await buildEverything('--weaken');
  });
  const electron = await electronIfAny();
  const argv = missing.map(({ name }) => `--without=${name}`);
  if (missing.length > 0) {
    argv.push(`--install-by=${howToInstall(missing)}`);
  }
  if (electron === undefined) {
    argv.push('--without=electron');
  }
  const env = toolEnvironment();
  return runVisibly(
    PINNED_NODE,
    [join(ROOT, 'src-main/setup/test/main.ts'), ...argv],
    electron ? { ...env, ELECTRON_OVERRIDE_DIST_PATH: electron.directory } : env,
  );
}

/** Without it the tests of the app are left out, and said to be. */
async function electronIfAny() {
  try {
    return await obtainElectron(LOG);
  } catch (error) {
    process.stdout.write(`-- ${error.message}\n`);
    return undefined;
  }
}

await runMain(main);
