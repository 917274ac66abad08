import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StartQueue } from './start-queue.ts';

describe('StartQueue', () => {
  it('never gives more places than there are, and gives them in the order of asking', () => {
    const step = fc.oneof(
      fc.constant('enqueue' as const),
      fc.constant('release' as const),
      fc.constant('take' as const),
      fc.constant('cancel' as const),
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), fc.array(step), (places, steps) => {
        let taken = 0;
        const waiting: string[] = [];
        const expected: string[] = [];
        const started: string[] = [];
        const queue = new StartQueue(places, (uuid) => started.push(uuid));
        const serve = () => {
          while (taken < places && waiting.length > 0) {
            expected.push(waiting.shift() as string);
            taken += 1;
          }
        };
        for (const [number, name] of steps.entries()) {
          if (name === 'enqueue') {
            waiting.push(`job ${number}`);
            queue.enqueue(`job ${number}`);
          } else if (name === 'release' && taken > 0) {
            taken -= 1;
            queue.release();
          } else if (name === 'take') {
            const free = taken < places && waiting.length === 0;
            expect(queue.tryTake()).toBe(free);
            taken += free ? 1 : 0;
          } else if (name === 'cancel') {
            const last = waiting.pop();
            expect(queue.cancel(last ?? 'nobody')).toBe(last !== undefined);
          }
          serve();
          expect(started).toEqual(expected);
          expect(taken).toBeLessThanOrEqual(places);
        }
      }),
    );
  });

  it('says what a job waits for', () => {
    const queue = new StartQueue(1, () => undefined);
    expect(queue.tryTake()).toBe(true);
    queue.enqueue('first');
    queue.enqueue('second');
    expect(queue.waitingFor('second')).toBe(
      'one of 1 places for jobs that are being started; 1 job is before it',
    );
    expect(queue.waitingFor('nobody')).toBe('');
    queue.release();
    expect(queue.waitingFor('first')).toBe('');
  });
});
