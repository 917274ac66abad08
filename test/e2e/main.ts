/**
 * Runs the tests of the app as they must be run: the window as an ordinary user with Chromium's sandbox on, on a display of
 * its own, against a real helper that is root. `npm run e2e`; what follows `--` goes to vitest.
 *
 * That user is nobody's and may reach nothing of a checkout that lies in a private folder: in a mount namespace of their own
 * the tests see it bound to a path of theirs, and a user database that names them, as dbus-daemon wants.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { monitorsWith } from '../fixtures/monitors.ts';
import { temporaryRoot } from '../fixtures/root.ts';
import { RunningHelper } from '../fixtures/running-helper.ts';
import { serveOrders } from './control.ts';
import { otherBuildOf } from './other-build.ts';
import type { Surroundings } from './surroundings.ts';

const CHECKOUT = resolve(import.meta.dirname, '../..');
const USERS = '/etc/passwd';
/** Folders of the checkout that the tests write into. */
const OUTPUTS = ['dist/test-logs/e2e', 'dist/screenshots'];
/** Vitest's report as the tests' user can write it, below the checkout; its copy lies where those of the other tests do. */
const REPORT = 'dist/test-logs/e2e/report.json';
const REPORT_COPY = 'dist/test-logs/e2e.json';
/** Room for a window of 1920 × 1080 beside its frame. */
const SCREEN = '2048x1200x24';

/** Binds checkout, Electron and user database, then becomes the user; the arguments: thrice source and target, uid, what to run. */
const ENTER = `
set -e
mount --bind "$1" "$2"
mount --bind "$3" "$4"
mount --bind "$5" "$6"
cd "$2"
uid=$7
shift 7
exec setpriv --reuid "$uid" --regid "$uid" --clear-groups --inh-caps=-all "$@"
`;

async function main(): Promise<number> {
  const electron = process.env.ELECTRON_OVERRIDE_DIST_PATH;
  if (process.getuid?.() !== 0 || electron === undefined) {
    process.stderr.write('The tests of the app start a helper: run `npm run e2e` as root.\n');
    return 1;
  }
  await using cleanUp = new AsyncDisposableStack();
  const uid = unusedUid();
  const folder = temporaryRoot();
  cleanUp.defer(() => rmSync(folder, { recursive: true, force: true }));
  const home = join(folder, 'home');
  const bound = { checkout: join(folder, 'checkout'), electron: join(folder, 'electron') };
  mkdirSync(bound.checkout);
  mkdirSync(bound.electron);
  for (const path of [home, join(home, 'tmp'), ...OUTPUTS.map((output) => join(CHECKOUT, output))]) {
    mkdirSync(path, { recursive: true });
    chownSync(path, uid, uid);
  }
  const helper = cleanUp.use(await RunningHelper.start({ elevatedBy: uid }));
  const control = join(folder, 'control');
  const server = await serveOrders(control, uid, {
    'kill-helper': () => helper.kill(),
    'stop-helper': () => helper.stop(),
    'start-helper': () => helper.startAgain(),
    'start-other-build': async () => helper.startAgain(await otherBuildOf(folder)),
    'freeze-helper': async () => void process.kill(helper.pid, 'SIGSTOP'),
    'thaw-helper': async () => void process.kill(helper.pid, 'SIGCONT'),
    'kill-monitors': async () => {
      for (const pid of monitorsWith((job) => job.startsWith(helper.root))) {
        process.kill(pid, 'SIGKILL');
      }
    },
  });
  cleanUp.defer(() => void server.close());
  const display = await startDisplay();
  cleanUp.defer(() => end(display.process));
  const surroundings: Surroundings = {
    JOBLET_E2E_ROOT: helper.root,
    JOBLET_E2E_CONTROL: control,
    ELECTRON_OVERRIDE_DIST_PATH: bound.electron,
    DISPLAY: display.name,
    HOME: home,
  };
  const version = readFileSync(join(electron, 'version'), 'utf8').trim();
  process.stdout.write(`Electron ${version} from ${electron}, as uid ${uid}\n`);
  const { checkout } = bound;
  const users = join(folder, 'passwd');
  writeFileSync(users, `${readFileSync(USERS, 'utf8')}joblet-e2e:x:${uid}:${uid}::${home}:/bin/sh\n`);
  const enter = [CHECKOUT, checkout, electron, bound.electron, users, USERS, String(uid)];
  const code = await runTests(enter, checkout, surroundings);
  copyReport(checkout);
  return code;
}

/** One that nobody has, and that is not the jobs' either. */
function unusedUid(): number {
  const used = new Set(
    readFileSync(USERS, 'utf8')
      .split('\n')
      .map((line) => Number(line.split(':')[2])),
  );
  let uid = 61_000;
  while (used.has(uid)) {
    uid += 1;
  }
  return uid;
}

/** A display whose number the server itself finds free. */
async function startDisplay(): Promise<{ process: ChildProcess; name: string }> {
  const argv = ['-displayfd', '3', '-screen', '0', SCREEN, '-nolisten', 'tcp'];
  const server = spawn('Xvfb', argv, { stdio: ['ignore', 'ignore', 'inherit', 'pipe'] });
  const failed = once(server, 'exit').then(() => {
    throw new Error('Xvfb ended before it had a display');
  });
  const numbers = createInterface({ input: server.stdio[3] as NodeJS.ReadableStream });
  const [number] = await Promise.race([once(numbers, 'line'), failed]);
  return { process: server, name: `:${number}` };
}

async function end(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  child.kill();
  await ended;
}

async function runTests(
  enter: readonly string[],
  checkout: string,
  surroundings: Surroundings,
): Promise<number> {
  const { PATH, CI, NO_COLOR } = process.env;
  // It can write no cache into the checkout, and needs none.
  const vitest = [
    join(checkout, 'node_modules/vitest/vitest.mjs'),
    ...['run', '--project=e2e', '--configLoader=native', '--fsModuleCache=false'],
    ...['--reporter=default', '--reporter=json', `--outputFile.json=${join(checkout, REPORT)}`],
    ...process.argv.slice(2),
  ];
  const node = process.execPath.replace(CHECKOUT, checkout);
  const tests = spawn(
    'unshare',
    ['--mount', '--propagation', 'private', 'sh', '-c', ENTER, 'sh', ...enter, node, ...vitest],
    {
      stdio: 'inherit',
      env: {
        ...surroundings,
        TMPDIR: join(surroundings.HOME, 'tmp'),
        LANG: 'C.UTF-8',
        PATH,
        ...(CI === undefined ? {} : { CI }),
        ...(NO_COLOR === undefined ? {} : { NO_COLOR }),
      },
    },
  );
  const [code] = await once(tests, 'exit');
  return code ?? 1;
}

/** In it the tests have the names by which everyone else knows them. */
function copyReport(checkout: string): void {
  const report = join(CHECKOUT, REPORT);
  if (existsSync(report)) {
    writeFileSync(join(CHECKOUT, REPORT_COPY), readFileSync(report, 'utf8').replaceAll(checkout, CHECKOUT));
  }
}

process.exitCode = await main();
