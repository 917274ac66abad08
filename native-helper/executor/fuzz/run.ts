/**
 * Coverage-guided fuzzing of the parsers, of plans and of what is said in sessions: `npm run fuzz -- [SECONDS]`, 60 by default.
 *
 * Fails when the fuzzer finds a fault, when what it has found reaches less than 95 % of the parsers' branches, or when
 * it does not find a bug that was planted in a second build. The last line of the output is JSON.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from '../../api/schema.ts';
import { seeds } from './seeds.ts';

const HERE = import.meta.dirname;
const SOURCES = ['../plan.c', '../plan-words.c', '../session-order.c', 'fuzzer.c'].map((name) =>
  join(HERE, name),
);
const COMMON = ['-std=gnu17', '-g', '-O1', '-fno-omit-frame-pointer', '-Wall', '-Wextra', '-Werror'];
/** Larger than the seeds; the largest plan, 4 MiB, would only make each attempt slower. */
const INPUT_BYTES = 1 << 16;
/** Percent of the parsers' branches that the corpus must reach. */
const BRANCHES_BAR = 95;
/** A planted bug that takes longer than this to find is as good as unfound. */
const PLANTED_SECONDS = 60;

function run(
  command: string,
  args: readonly string[],
  options: { quiet?: boolean; env?: NodeJS.ProcessEnv } = {},
) {
  const result = spawnSync(command, args, {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    stdio: ['ignore', 'pipe', options.quiet ? 'pipe' : 'inherit'],
    env: { ...process.env, ...options.env },
  });
  if (result.error) {
    throw new Error(`${command} could not be run: ${result.error.message}. Install clang and llvm.`);
  }
  return result;
}

function mustRun(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): string {
  const result = run(command, args, { env });
  if (result.status !== 0) {
    throw new Error(`${command} ended with ${result.status ?? result.signal}\n${result.stdout}`);
  }
  return result.stdout;
}

function build(output: string, ...flags: readonly string[]): string {
  mustRun('clang', [...COMMON, ...flags, ...SOURCES, '-o', output]);
  return output;
}

function fuzz(fuzzer: string, corpus: string, seconds: number, artifacts: string) {
  return run(
    fuzzer,
    [
      corpus,
      `-max_total_time=${seconds}`,
      `-max_len=${INPUT_BYTES}`,
      `-artifact_prefix=${artifacts}/`,
      '-print_final_stats=1',
      '-verbosity=0',
      '-timeout=5',
    ],
    { quiet: true },
  );
}

const summarySchema = z.object({
  data: z.tuple([
    z.object({
      totals: z.object({
        branches: z.object({ count: z.number(), covered: z.number(), percent: z.number() }),
      }),
    }),
  ]),
});

/** Runs every input of the corpus once in a build that counts branches (clang's source-based coverage). */
function branchCoverage(folder: string, corpus: string) {
  const counter = build(
    join(folder, 'counter'),
    '-fsanitize=fuzzer',
    '-fprofile-instr-generate',
    '-fcoverage-mapping',
  );
  const raw = join(folder, 'counter.profraw');
  const merged = join(folder, 'counter.profdata');
  run(counter, ['-runs=0', corpus], { quiet: true, env: { LLVM_PROFILE_FILE: raw } });
  mustRun('llvm-profdata', ['merge', '-sparse', raw, '-o', merged]);
  const parsers = ['../plan.c', '../plan-cursor.h', '../session-order.c'].map((name) => join(HERE, name));
  const summary = mustRun('llvm-cov', [
    'export',
    '-summary-only',
    `-instr-profile=${merged}`,
    counter,
    ...parsers,
  ]);
  const missed = mustRun('llvm-cov', [
    'show',
    '-show-branches=count',
    `-instr-profile=${merged}`,
    counter,
    ...parsers,
  ]);
  return { ...summarySchema.parse(JSON.parse(summary)).data[0].totals.branches, missed };
}

function writeCorpus(folder: string): string {
  mkdirSync(folder);
  for (const [index, seed] of seeds().entries()) {
    writeFileSync(join(folder, `seed-${index}`), seed);
  }
  return folder;
}

function executionsIn(statistics: string): number {
  return Number(/number_of_executed_units:\s*(\d+)/.exec(statistics)?.[1] ?? 0);
}

function main(): void {
  const seconds = Number(process.argv[2] ?? 60);
  if (!Number.isInteger(seconds) || seconds < 1) {
    throw new Error(`usage: run.ts [SECONDS], not ${process.argv[2]}`);
  }
  const folder = mkdtempSync(join(tmpdir(), 'joblet-fuzz-'));
  const sanitizers = '-fsanitize=fuzzer,address,undefined';
  try {
    const corpus = writeCorpus(join(folder, 'corpus'));
    const fuzzer = build(join(folder, 'fuzzer'), sanitizers, '-fno-sanitize-recover=all');
    const found = fuzz(fuzzer, corpus, seconds, folder);
    const clean = found.status === 0;
    console.log(
      `${executionsIn(found.stderr)} inputs parsed in ${seconds} s, ${readdirSync(corpus).length} in the corpus`,
    );
    if (!clean) {
      console.log(found.stderr);
    }

    const branches = branchCoverage(folder, corpus);
    console.log(`${branches.covered} of ${branches.count} branches of the parsers reached`);
    if (branches.percent < BRANCHES_BAR || process.env.SHOW_BRANCHES) {
      console.log(branches.missed);
    }

    const planted = build(
      join(folder, 'planted'),
      sanitizers,
      '-fno-sanitize-recover=all',
      '-DJOBLET_PLANT_BUG',
    );
    const plantedCorpus = writeCorpus(join(folder, 'planted-corpus'));
    const bug = fuzz(planted, plantedCorpus, PLANTED_SECONDS, folder);
    const plantedFound = bug.status !== 0 && bug.stderr.includes('heap-buffer-overflow');
    console.log(`the planted bug was ${plantedFound ? 'found' : 'NOT found'}`);

    const ok = clean && plantedFound && branches.percent >= BRANCHES_BAR;
    console.log(
      JSON.stringify({
        name: 'fuzz',
        figure: Math.round(branches.percent * 100) / 100,
        unit: '% of branches',
        bar: BRANCHES_BAR,
        seconds,
        executions: executionsIn(found.stderr),
        crashed: !clean,
        planted_bug_found: plantedFound,
        ok,
      }),
    );
    process.exitCode = ok ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

main();
