/**
 * `npm run bench -- NAME [NAME…]`, as root: measures against the design's bars, each on a disk made for it. The last line
 * of each is JSON. Other load makes figures worse than they are, since jobs run at nice 10 and their peers at 0.
 */
import { FreshDisk } from './fresh-disk.ts';
import { type Measurement, rounded } from './measurement.ts';

const GIBIBYTE = 1024 ** 3;

interface Benchmark {
  readonly load: () => Promise<{ run: () => Promise<Measurement> }>;
  readonly diskBytes?: number;
}

const BENCHMARKS: Record<string, Benchmark> = {
  start: { load: () => import('./start.ts') },
  submit: { load: () => import('./submit.ts') },
  command: { load: () => import('./command.ts') },
  seccomp: { load: () => import('./seccomp.ts') },
  'seccomp-build': { load: () => import('./seccomp-build.ts') },
  many: { load: () => import('./many.ts') },
  log: { load: () => import('./log.ts'), diskBytes: 4 * GIBIBYTE },
  'log-read': { load: () => import('./log-read.ts'), diskBytes: 12 * GIBIBYTE },
  'log-search': { load: () => import('./log-search.ts'), diskBytes: 4 * GIBIBYTE },
  'log-search-packed': { load: () => import('./log-search-packed.ts'), diskBytes: 4 * GIBIBYTE },
  'log-many': { load: () => import('./log-many.ts'), diskBytes: 8 * GIBIBYTE },
  'log-paced': { load: () => import('./log-paced.ts'), diskBytes: 8 * GIBIBYTE },
  idle: { load: () => import('./idle.ts') },
  'app-start': { load: () => import('./app-start.ts') },
  // Six gigabytes of log.
  'app-log': { load: () => import('./app-log.ts'), diskBytes: 8 * GIBIBYTE },
  'app-memory': { load: () => import('./app-memory.ts') },
};

async function main(names: readonly string[]): Promise<number> {
  const unknown = names.find((name) => !(name in BENCHMARKS));
  if (names.length === 0 || unknown !== undefined) {
    process.stderr.write(
      `${unknown === undefined ? 'Which' : `No benchmark "${unknown}"; which`} benchmark? `,
    );
    process.stderr.write(`${Object.keys(BENCHMARKS).join(', ')}\n`);
    return 2;
  }
  let allOk = true;
  for (const name of names) {
    const { load, diskBytes = 2 * GIBIBYTE } = BENCHMARKS[name] as Benchmark;
    const { run } = await load();
    const measurement = await onFreshDisk(diskBytes, run);
    allOk &&= measurement.ok;
    const { figure, peer, ratio } = measurement;
    const shown = { ...measurement, figure: rounded(figure), peer: rounded(peer), ratio: rounded(ratio) };
    process.stdout.write(`${JSON.stringify(shown)}\n`);
  }
  return allOk ? 0 : 1;
}

async function onFreshDisk(bytes: number, run: () => Promise<Measurement>): Promise<Measurement> {
  const { TMPDIR } = process.env;
  await using disk = new FreshDisk(bytes);
  try {
    process.env.TMPDIR = disk.path;
    return await run();
  } finally {
    if (TMPDIR === undefined) {
      delete process.env.TMPDIR;
    } else {
      process.env.TMPDIR = TMPDIR;
    }
  }
}

process.exitCode = await main(process.argv.slice(2));
