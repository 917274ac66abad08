import { setTimeout as delay } from 'node:timers/promises';

/** What a benchmark says in the end. Only the ratio counts: both sides were measured in one run, taking turns. */
export interface Measurement {
  readonly name: string;
  readonly figure: number;
  readonly unit: string;
  /** What it was compared with. */
  readonly against: string;
  readonly peer: number;
  readonly ratio: number;
  readonly bar: string;
  readonly ok: boolean;
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((left, right) => left - right);
  const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  if (value === undefined) {
    throw new Error('no values were measured');
  }
  return value;
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Milliseconds that one run of `action` takes. */
export async function timed(action: () => Promise<void>): Promise<number> {
  const start = process.hrtime.bigint();
  await action();
  return Number(process.hrtime.bigint() - start) / 1e6;
}

/** The kernel takes namespaces and mounts away after their last process has ended. */
const SETTLE_MS = 5;

/**
 * Takes turns, so that what else the machine does meets both sides alike. The first pair only warms up, and nobody's
 * clock runs while the kernel clears away what the other has left.
 */
export async function alternating(
  pairs: number,
  ours: () => Promise<number>,
  peer: () => Promise<number>,
): Promise<{ ours: number[]; peer: number[] }> {
  const values = { ours: [] as number[], peer: [] as number[] };
  await ours();
  await peer();
  for (let pair = 0; pair < pairs; pair += 1) {
    values.ours.push(await ours());
    await delay(SETTLE_MS);
    values.peer.push(await peer());
    await delay(SETTLE_MS);
  }
  return values;
}

export function rounded(value: number): number {
  return Number(value.toPrecision(4));
}

export function describe(label: string, values: readonly number[], unit: string): string {
  const [p50, p90, p99] = [0.5, 0.9, 0.99].map((share) => rounded(quantile(values, share)));
  return `${label.padEnd(28)} p50 ${p50} ${unit}   p90 ${p90} ${unit}   p99 ${p99} ${unit}   (${values.length} runs)`;
}
