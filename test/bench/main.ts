/**
 * `npm run bench -- NAME [NAME…]`: measures against the design's bars. The last line of each is JSON.
 *
 * TMPDIR says on which disk. Two things make figures worse than they are on a workstation: other load, since jobs run
 * at nice 10 and their peers at 0; and ext4 without a journal, which passes over every inode deleted in the last
 * minutes, one by one, for each file that it makes (recently_deleted in fs/ext4/ialloc.c).
 */
import { type Measurement, rounded } from './measurement.ts';

const BENCHMARKS: Record<string, () => Promise<{ run: () => Promise<Measurement> }>> = {
  start: () => import('./start.ts'),
  submit: () => import('./submit.ts'),
  command: () => import('./command.ts'),
  many: () => import('./many.ts'),
  idle: () => import('./idle.ts'),
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
    const measurement = await run();
    allOk &&= measurement.ok;
    const { figure, peer, ratio } = measurement;
    const shown = { ...measurement, figure: rounded(figure), peer: rounded(peer), ratio: rounded(ratio) };
    process.stdout.write(`${JSON.stringify(shown)}\n`);
  }
  return allOk ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
