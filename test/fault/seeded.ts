/** Tests by chance, that can be had again. */
import { it } from 'vitest';
import { Random } from '../fixtures/random.ts';

/** The choices are the same again; the instants at which they meet the machine are not quite. */
const AGAIN = process.env.JOBLET_FAULT_SEED;

/** A test whose failure tells the seed of its choices. @param timeoutMs of all of it */
export function seeded(title: string, timeoutMs: number, test: (random: Random) => Promise<void>): void {
  it(title, { timeout: timeoutMs }, async ({ onTestFailed }) => {
    const seed = AGAIN === undefined ? Math.floor(Math.random() * 2 ** 32) : Number.parseInt(AGAIN, 10);
    onTestFailed(() => {
      process.stdout.write(
        `seed ${seed}: again with JOBLET_FAULT_SEED=${seed} npm run fault -- -t '${title}'\n`,
      );
    });
    await test(new Random(seed));
  });
}
