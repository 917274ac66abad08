/**
 * `npm start`: from a fresh clone to a job that runs. Sets everything up, starts the helper, runs a sample job in this
 * terminal, says what to type next and, where there is a display, opens the app. What is already done is not done again.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { hasDisplay, openApp } from './bootstrap/desktop.mjs';
import { electronLibraries, obtainElectron } from './bootstrap/electron.mjs';
import {
  buildEverything,
  checkPlatform,
  compilerPackages,
  installNpmPackages,
  installSystemPackages,
  ROOT,
  requireAll,
} from './bootstrap/prepare.mjs';
import { runVisibly } from './bootstrap/run.mjs';
import { runMain, SetupError, section, step } from './bootstrap/terminal.mjs';

const JOBLET = join(ROOT, 'dist/joblet');
const LOG = join(ROOT, 'dist/setup.log');

/** One line, since the job's status shows it. */
const SAMPLE = [
  'echo "Hello from process $$ of $(ls -d /proc/[0-9]* | wc -l) on $(hostname), user $(id -u)."',
  'for number in 1 2 3; do echo "working, $number of 3"; sleep 0.4; done',
  'ls -d /home /root /run /sys 2>&1',
  'echo "Done: none of these folders of yours is in here."',
].join('; ');

/**
 * @param {readonly import('./bootstrap/prepare.mjs').SystemPackage[]} appPackages what the app needs, asked for in the same breath
 * @returns {Promise<readonly import('./bootstrap/prepare.mjs').SystemPackage[]>} which of them are missing still
 */
async function setUp(appPackages) {
  section('Set-up');
  checkPlatform();
  await installNpmPackages(LOG);
  const missing = await installSystemPackages(LOG, [...compilerPackages(), ...appPackages]);
  const isOfApp = (each) => appPackages.includes(each);
  requireAll(missing.filter((each) => !isOfApp(each)));
  await step('build', buildEverything);
  return missing.filter(isOfApp);
}

/** @param {readonly string[]} argv */
async function joblet(...argv) {
  const code = await runVisibly(JOBLET, argv);
  if (code !== 0) {
    throw new SetupError(
      `joblet ${argv.slice(0, 2).join(' ')}`,
      `exit code ${code}; its own words stand above`,
      'Do what it says, then run `npm start` again; `dist/joblet doctor` tells what this machine lacks.',
    );
  }
}

async function submitSample() {
  try {
    const argv = ['job', 'run', '--json', '--name', 'sample', '--', 'sh', '-c', SAMPLE];
    const { stdout } = await promisify(execFile)(JOBLET, argv, { timeout: 30_000 });
    return JSON.parse(stdout).job_uuid;
  } catch (error) {
    throw new SetupError(
      'joblet job run',
      error.stderr || error.message,
      '`dist/joblet doctor` tells what this machine lacks.',
    );
  }
}

async function main() {
  const hasWindow = await hasDisplay();
  const missing = await setUp(hasWindow ? electronLibraries() : []);

  section('Helper');
  await joblet('helper', 'start');

  section('A sample job, live');
  const id = await submitSample();
  await joblet('job', 'log', '--follow', id);
  await joblet('job', 'wait', id);

  section('What the kernel says about its isolation');
  await joblet('job', 'status', id);

  section('Next');
  process.stdout.write(`Joblet works. The helper goes on running. Type, for instance:

  dist/joblet job run --follow -- uname -a     run a command and follow its output
  dist/joblet job run --max-memory 512 'make'  with a limit (needs cgroup v2: see doctor)
  dist/joblet job list                         all jobs
  dist/joblet doctor                           what this machine gives to jobs
  dist/joblet helper stop                      end the helper; running jobs go on
  dist/joblet-desktop                          the app, where there is a display
`);
  if (hasWindow) {
    section('The app');
    requireAll(missing);
    await openApp(await obtainElectron(LOG));
  }
  return 0;
}

await runMain(main);
