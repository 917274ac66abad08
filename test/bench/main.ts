/**
 * `npm run bench -- NAME [NAME…]`, as root: measures against the design's bars, each on a disk made for it. The last line
 * of each is JSON. Other load makes figures worse than they are, since jobs run at nice 10 and their peers at 0.
 */
import { FreshDisk } from './fresh-disk.ts';
import { type Measurement, rounded } from './measurement.ts';

const BENCHMARKS: Record<string, () => Promise<{ run: () => Promise<Measurement> }>> = {
  start: () => import('./start.ts'),
  submit: () => import('./submit.ts'),
  command: () => import('./command.ts'),
  many: () => import('./many.ts'),
  idle: () => import('./idle.ts'),
  'app-start': () => import('./app-start.ts'),
  'app-log': () => import('./app-log.ts'),
  'app-memory': () => import('./app-memory.ts'),
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
    const { run } = await (BENCHMARKS[name] as () => Promise<{ run: () => Promise<Measurement> }>)();
    const measurement = await onFreshDisk(run);
    allOk &&= measurement.ok;
    const { figure, peer, ratio } = measurement;
    const shown = { ...measurement, figure: rounded(figure), peer: rounded(peer), ratio: rounded(ratio) };
    process.stdout.write(`${JSON.stringify(shown)}\n`);
  }
  return allOk ? 0 : 1;
}

async function onFreshDisk(run: () => Promise<Measurement>): Promise<Measurement> {
  const { TMPDIR } = process.env;
  using disk = new FreshDisk();
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
