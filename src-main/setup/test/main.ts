/**
 * Runs every test on every kernel that this machine has to offer: its own, and the one in QEMU. Counts a test once. One that
 * no kernel could run fails the run; what had to be left out because something is not installed, or for want of root, is
 * named, and fails it in CI.
 */
import { mkdir, readFile, rm } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Command, runCommand } from './command.ts';
import { Results } from './results.ts';
import { parseReport, type ReportedTest } from './vitest-report.ts';

const CHECKOUT = resolve(import.meta.dirname, '../../..');
const LOGS = join(CHECKOUT, 'dist/test-logs');
const MINUTE_MS = 60_000;
const VITEST = join(CHECKOUT, 'node_modules/vitest/vitest.mjs');

/** What test.mjs names when it is missing, beside Debian's packages. */
const APP_NEEDS = ['electron', 'xvfb', 'libgtk-3-0', 'libnss3', 'libgbm1', 'libasound2', 'libasound2t64'];
const APP_TESTS_NEED = [...APP_NEEDS, 'dbus', 'dunst'];

/** They start hundreds of programs, those on Node five seconds each, in QEMU, or move gigabytes: with them it takes more than half an hour. */
const TOO_SLOW_IN_QEMU = [
  ...['app-link', 'app-save-log', 'cli-*', 'config-start', 'executor-sanitizers'],
  ...['helper-start*', 'jobs-recovery*', 'jobs-stop', 'transport-calls'],
];

interface Benchmark {
  readonly name: string;
  readonly packages: readonly string[];
  /** false: it passes when it was measured, since its figure misses the bar or lies within the noise around it. */
  readonly mustMeetBar: boolean;
}

const IDLE: Benchmark = { name: 'idle', packages: ['e2fsprogs'], mustMeetBar: true };
const BENCHMARKS: readonly Benchmark[] = [
  { name: 'start', packages: ['bubblewrap', 'e2fsprogs'], mustMeetBar: true },
  { name: 'submit', packages: ['e2fsprogs'], mustMeetBar: true },
  { name: 'seccomp', packages: ['e2fsprogs'], mustMeetBar: true },
  { name: 'seccomp-build', packages: ['e2fsprogs'], mustMeetBar: false },
  { name: 'command', packages: [], mustMeetBar: false },
  { name: 'many', packages: ['bubblewrap', 'runc', 'e2fsprogs'], mustMeetBar: false },
  { name: 'log', packages: ['e2fsprogs'], mustMeetBar: false },
  { name: 'log-many', packages: ['e2fsprogs'], mustMeetBar: false },
  { name: 'log-paced', packages: ['e2fsprogs', 'gcc'], mustMeetBar: false },
  { name: 'log-search', packages: ['e2fsprogs'], mustMeetBar: true },
  { name: 'log-search-packed', packages: ['e2fsprogs', 'zstd'], mustMeetBar: false },
  { name: 'app-start', packages: [...APP_NEEDS, 'e2fsprogs'], mustMeetBar: false },
  { name: 'app-log', packages: [...APP_NEEDS, 'e2fsprogs'], mustMeetBar: false },
];

interface Run {
  readonly results: Results;
  /** Debian's names of what is not installed, and `electron`. */
  readonly without: ReadonlySet<string>;
  /** The command that installs it. */
  readonly installBy: string;
  readonly isRoot: boolean;
  /** What was left out, and why. */
  readonly leftOut: string[];
  /** Files of tests that are left out of QEMU. */
  readonly excluded: string[];
  /** What is still to be run in QEMU, by project: the tests that were skipped here, or `all` of them. */
  readonly open: Map<string, Selected>;
}

type Selected = readonly ReportedTest[] | 'all';

type Needs = { readonly root?: true; readonly packages?: readonly string[] };

/** Says whether a part can run; if not, it is on the list of what was left out. */
function canRun(run: Run, part: string, { root, packages = [] }: Needs): boolean {
  const reasons = packages.filter((name) => run.without.has(name)).map((name) => `${name} is not installed`);
  if (root === true && !run.isRoot) {
    reasons.unshift('it needs root');
  }
  if (reasons.length > 0) {
    run.leftOut.push(`${part}: ${reasons.join(', ')}`);
  }
  return reasons.length === 0;
}

function command(title: string, program: string, argv: readonly string[], minutes: number): Command {
  const log = join(LOGS, `${title.replaceAll(/\W+/g, '-').toLowerCase()}.log`);
  return { title, program, argv, timeoutMs: minutes * MINUTE_MS, log };
}

/** One test: the program's exit code. */
async function check(run: Run, title: string, program: string, argv: readonly string[]): Promise<void> {
  const { succeeded } = await runCommand(command(title, program, argv, 5));
  run.results.record(title, succeeded ? 'passed' : 'failed');
}

const reportTo = (report: string): string[] => [
  ...['--reporter=default', '--reporter=json', `--outputFile.json=${report}`],
];
const vitestArguments = (project: string, report: string): string[] => [
  ...['run', '--project', project, ...reportTo(report)],
];

/** Arguments of vitest for just these tests. */
function selecting(tests: readonly ReportedTest[]): string[] {
  const titles = [...new Set(tests.map(({ title }) => title))].map((title) =>
    title.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&'),
  );
  const files = new Set(tests.map(({ file }) => file));
  return ['--testNamePattern', `^(${titles.join('|')})$`, ...files];
}

/** For a shell: everything between single quotes stands for itself. */
const quote = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

async function vitest(run: Run, title: string, project: string, minutes: number): Promise<void> {
  const report = join(LOGS, `${project}.json`);
  const argv = [VITEST, ...vitestArguments(project, report)];
  const { succeeded } = await runCommand(command(title, process.execPath, argv, minutes));
  const tests = await takeReport(run, title, report, succeeded);
  keepOpen(run, project, tests);
}

/** Tests that vitest did not report count as one failure, and so does a failure outside of any test. */
async function takeReport(
  run: Run,
  title: string,
  report: string,
  succeeded: boolean,
): Promise<readonly ReportedTest[]> {
  let tests: readonly ReportedTest[] = [];
  try {
    tests = parseReport(await readFile(report, 'utf8'), CHECKOUT);
  } catch (error) {
    process.stdout.write(`   no report of its tests: ${error instanceof Error ? error.message : error}\n`);
  }
  for (const { name, outcome } of tests) {
    run.results.record(name, outcome);
  }
  const hasFailed = tests.some(({ outcome }) => outcome === 'failed');
  if (tests.length === 0 || (!succeeded && !hasFailed)) {
    run.results.record(`${title}: as a whole`, 'failed');
  }
  const count = (wanted: ReportedTest['outcome']) => tests.filter(({ outcome }) => outcome === wanted).length;
  process.stdout.write(
    `   ${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} skipped\n`,
  );
  return tests;
}

/** On the machine's own kernel: all of it, and what it can't run is tried again in the machine. */
async function onThisKernel(run: Run): Promise<void> {
  await vitest(run, 'Unit tests', 'unit', 5);
  // Inside the machine everyone is root.
  if (!run.isRoot) {
    const part = `integration tests that are too slow in QEMU (${TOO_SLOW_IN_QEMU.join(', ')})`;
    canRun(run, part, { root: true });
    run.excluded.push(...TOO_SLOW_IN_QEMU.map((name) => `test/integration/${name}.spec.ts`));
    run.open.set('integration', 'all').set('escape', 'all');
    return;
  }
  await vitest(run, 'Integration tests as root', 'integration', 20);
  await vitest(run, 'Escape tests: shut, and open once the layer is left out', 'escape', 8);
}

/** As an ordinary user, on a display of their own, beside a helper that is root. */
async function ofTheApp(run: Run): Promise<void> {
  if (canRun(run, 'tests of the app', { root: true, packages: APP_TESTS_NEED })) {
    const title = 'Tests of the app, in its sandbox';
    const report = join(LOGS, 'e2e.json');
    const { succeeded } = await runCommand(command(title, process.execPath, ['test/e2e/main.ts'], 12));
    await takeReport(run, title, report, succeeded);
  }
}

async function checks(run: Run): Promise<void> {
  await check(run, 'Format and lint (biome)', 'biome', ['check']);
  await check(run, 'Types (tsc)', 'npm', ['run', '-s', 'check:types']);
  await check(run, 'Import rules (dependency-cruiser)', 'npm', ['run', '-s', 'check:imports']);
  await check(run, 'Nothing unused (knip)', 'knip', []);
  // The one takes a processor for a minute; the other watches a helper that does nothing for as long.
  await Promise.all([fuzzing(run), benchmark(run, IDLE)]);
}

/** On a pure cgroup v2 host; and what that skips too, on one whose controllers are on cgroup v1. */
async function inQemu(run: Run, onHost: Promise<void>): Promise<void> {
  const emulator = process.arch === 'x64' ? 'qemu-system-x86' : 'qemu-system-arm';
  if (!canRun(run, 'tests in QEMU', { packages: [emulator, 'busybox-static', 'e2fsprogs', 'dmsetup'] })) {
    return;
  }
  if (!canRun(run, 'starting the helper through pkexec', { packages: ['dbus', 'polkitd', 'pkexec'] })) {
    run.excluded.push('test/vm/elevation.vm.spec.ts');
  }
  if (!canRun(run, 'keeping the machine awake', { packages: ['dbus', 'systemd'] })) {
    run.excluded.push('test/vm/keep-awake.vm.spec.ts');
  }
  if (!canRun(run, 'the helper as a service of systemd', { packages: ['systemd'] })) {
    run.excluded.push('test/vm/systemd.vm.spec.ts');
  }
  const v2 = 'Tests in QEMU, on a cgroup v2 host';
  await inMachine(run, v2, new Map([['vm', 'all' as const]]), []);
  await onHost;
  const skippedHere = [...run.open].filter(([project]) => project !== 'vm');
  await inMachine(run, `${v2}: what was skipped here`, new Map(skippedHere), []);
  await inMachine(run, 'Tests in QEMU, on a hybrid host', new Map(run.open), ['joblet.cgroup=hybrid']);
}

/** Runs tests in a machine of their own; only what was skipped there too stays open. */
async function inMachine(
  run: Run,
  title: string,
  selection: ReadonlyMap<string, Selected>,
  append: readonly string[],
): Promise<void> {
  if (selection.size === 0) {
    return;
  }
  const batches = [...selection];
  const out = join(LOGS, title.replaceAll(/\W+/g, '-').toLowerCase());
  await mkdir(out, { recursive: true });
  const lines = batches.map(([project, tests]) => {
    const argv = [process.execPath, VITEST, ...vitestArguments(project, `/run/out/${project}.json`)];
    argv.push(...run.excluded.map((file) => `--exclude=${file}`));
    const selected = [...argv, ...(tests === 'all' ? [] : selecting(tests))].map(quote).join(' ');
    return `NO_COLOR=1 ${selected}; code=$?; echo $code >/run/out/${project}.code; [ $code = 0 ] || failed=1`;
  });
  const options = {
    memory: totalmem() > 8 * 2 ** 30 ? '4G' : '2G',
    disk: '4G',
    append: ['psi=1', ...append].join(' '),
    timeout: '1800',
    out,
  };
  const argv = [
    join(CHECKOUT, 'test/vm/main.ts'),
    ...Object.entries(options).map(([name, value]) => `--${name}=${value}`),
    `failed=0; ${lines.join('; ')}; exit $failed`,
  ];
  await runCommand(command(title, process.execPath, argv, 31));
  for (const [project] of batches) {
    run.open.delete(project);
    const code = await readFile(join(out, `${project}.code`), 'utf8').catch(() => 'not reached');
    const tests = await takeReport(
      run,
      `${title}: ${project}`,
      join(out, `${project}.json`),
      code.trim() === '0',
    );
    keepOpen(run, project, tests);
  }
}

/** A report calls a test skipped, too, that was left out because it has passed on another kernel. */
function keepOpen(run: Run, project: string, tests: readonly ReportedTest[]): void {
  const ranNowhere = new Set(run.results.testsThat('skipped'));
  const skipped = tests.filter(({ name }) => ranNowhere.has(name));
  if (skipped.length > 0) {
    run.open.set(project, skipped);
  }
}

/** Programs that count for themselves; their last `N passed, N failed` is taken, or else their exit code. */
async function program(
  run: Run,
  title: string,
  argv: readonly string[],
  minutes: number,
  judge?: Command['judge'],
): Promise<void> {
  const { succeeded, output } = await runCommand({
    ...command(title, process.execPath, argv, minutes),
    ...(judge === undefined ? {} : { judge }),
  });
  const counts = [...output.matchAll(/^(\d+) passed, (\d+) failed/gm)].at(-1);
  const passed = Number(counts?.[1] ?? (succeeded ? 1 : 0));
  const failed = Math.max(Number(counts?.[2] ?? 0), succeeded ? 0 : 1);
  for (let index = 0; index < passed; index++) {
    run.results.record(`${title}: ${index}`, 'passed');
  }
  for (let index = 0; index < failed; index++) {
    run.results.record(`${title}: failure ${index}`, 'failed');
  }
  const lastLine = output.trimEnd().split('\n').at(-1);
  process.stdout.write(`   ${lastLine}\n`);
}

async function measurements(run: Run): Promise<void> {
  if (canRun(run, 'fault suite', { root: true, packages: ['nftables', 'e2fsprogs'] })) {
    const title = 'Fault suite, a tenth of it';
    const report = join(LOGS, 'fault.json');
    const argv = ['test/fault/main.ts', ...reportTo(report)];
    const { succeeded } = await runCommand(command(title, process.execPath, argv, 10));
    await takeReport(run, title, report, succeeded);
  }
  if (canRun(run, 'leak check', { root: true, packages: ['nftables'] })) {
    await program(run, 'Leak check', ['test/leakcheck/main.ts'], 5);
  }
  for (const each of BENCHMARKS) {
    await benchmark(run, each);
  }
}

async function fuzzing(run: Run): Promise<void> {
  if (canRun(run, 'fuzzing of the parsers', { packages: ['clang', 'llvm', 'libclang-rt-dev'] })) {
    await program(run, 'Fuzzing of the parsers', ['native-helper/executor/fuzz/run.ts'], 5);
  }
}

async function benchmark(run: Run, { name, packages, mustMeetBar }: Benchmark): Promise<void> {
  if (canRun(run, `benchmark ${name}`, { root: true, packages })) {
    const title = `Benchmark: ${name}${mustMeetBar ? '' : ' (measured only)'}`;
    const judge = (_exitCode: number, output: string) =>
      output.trimEnd().split('\n').at(-1)?.startsWith(`{"name":"${name}",`)
        ? null
        : 'it ended without a figure';
    await program(run, title, ['test/bench/main.ts', name], 5, mustMeetBar ? undefined : judge);
  }
}

function conclude(run: Run): number {
  const isComplete = run.leftOut.length === 0;
  const ranNowhere = run.results.testsThat('skipped');
  const list = (title: string, names: readonly string[]) => {
    if (names.length > 0) {
      process.stdout.write(`\n${title}\n${names.map((name) => `  ${name}\n`).join('')}`);
    }
  };
  list('Left out:', run.leftOut);
  if (run.installBy !== '') {
    process.stdout.write(`What is not installed can be, by root: ${run.installBy}\n`);
  }
  list('Could run on no kernel of this run:', ranNowhere);
  list('Failed:', run.results.testsThat('failed'));
  const { passed, failed, skipped } = run.results.tally();
  const skippedCount = skipped + run.leftOut.length;
  process.stdout.write(
    `\n${passed} passed, ${failed} failed${skippedCount > 0 ? `, ${skippedCount} skipped` : ''}\n`,
  );
  const isExcused = !isComplete && process.env.CI === undefined;
  return failed === 0 && ((isComplete && ranNowhere.length === 0) || isExcused) ? 0 : 1;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      without: { type: 'string', multiple: true, default: [] },
      'install-by': { type: 'string', default: '' },
    },
  });
  process.chdir(CHECKOUT);
  await rm(LOGS, { recursive: true, force: true });
  await mkdir(LOGS, { recursive: true });
  const run: Run = {
    results: new Results(),
    without: new Set(values.without),
    installBy: values['install-by'],
    isRoot: process.getuid?.() === 0,
    leftOut: [],
    excluded: [],
    open: new Map(),
  };
  // The machine takes one processor for minutes; none of what runs beside it measures time.
  const onHost = onThisKernel(run);
  await Promise.all([inQemu(run, onHost), onHost.then(() => checks(run))]);
  await ofTheApp(run);
  await measurements(run);
  return conclude(run);
}

process.exitCode = await main();
