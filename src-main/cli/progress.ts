/** How far something is, for a person who waits: one line on standard error that is written over again, and gone at the end. */
import type { Invocation } from './cli.ts';

const PROGRESS_MS = 200;
const MEBIBYTE = 1_048_576n;

/** @returns takes the line as it is to be now; empty: it is over. Nothing is written where nobody looks. */
export function progressOn({
  cli,
  globals,
}: Pick<Invocation<never>, 'cli' | 'globals'>): (text: string) => void {
  if (globals.json || process.stderr.isTTY !== true) {
    return () => {};
  }
  let next = 0;
  return (text) => {
    const now = performance.now();
    if (now >= next || text === '') {
      next = now + PROGRESS_MS;
      void cli.stderr.write(`\r\u001b[K${text}`).catch(() => {});
    }
  };
}

export function shareText(done: bigint, total: bigint): string {
  const percent = total === 0n ? 100n : (done * 100n) / total;
  return `${percent} % of ${total / MEBIBYTE} MB`;
}
