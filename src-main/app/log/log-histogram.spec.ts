import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BUCKETS, LogHistogram } from './log-histogram.ts';

const anyOffsets = fc
  .array(fc.oneof(fc.nat(200_000), fc.nat(20_000_000), fc.maxSafeNat()), { maxLength: 300 })
  .map((offsets) => [...new Set(offsets)].sort((one, other) => one - other));

describe('a histogram of a log', () => {
  it('knows of each part how many matches it has, and its first and last, however far the log goes', () => {
    fc.assert(
      fc.property(anyOffsets, (offsets) => {
        const histogram = new LogHistogram();
        for (const offset of offsets) {
          histogram.add(offset);
        }
        const { bucketBytes, total, counts, firsts, lasts } = histogram.matches;
        expect(total).toBe(offsets.length);
        expect(counts.length).toBeLessThanOrEqual(BUCKETS);
        expect(counts.length === 0 || (counts.at(-1) ?? 0) > 0).toBe(true);
        const parts = Map.groupBy(offsets, (offset) => Math.floor(offset / bucketBytes));
        for (const [bucket, count] of counts.entries()) {
          const within = parts.get(bucket) ?? [];
          if (
            count !== within.length ||
            (count > 0 && (firsts[bucket] !== within[0] || lasts[bucket] !== within.at(-1)))
          ) {
            expect.fail(`bucket ${bucket} has ${count} of ${within}`);
          }
        }
      }),
    );
  });

  it('takes six million matches in no time, and holds no more for them', () => {
    const histogram = new LogHistogram();
    const begun = performance.now();
    for (let match = 0; match < 6_000_000; match += 1) {
      histogram.add(match * 20);
    }
    expect(performance.now() - begun).toBeLessThan(2000);
    expect(histogram.matches.counts.reduce((sum, count) => sum + count, 0)).toBe(6_000_000);
  });
});
