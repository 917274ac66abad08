import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Admission } from './admission.ts';

describe('Admission', () => {
  it('drops the oldest half-open connection of the same uid for a new one', () => {
    const admission = new Admission<string>({ total: 10, perUid: 2 });
    admission.admit('first', 1);
    admission.admit('second', 1);
    expect(admission.admit('third', 1)).toEqual({ admitted: true, dropped: 'first' });
  });

  it('refuses when all of a uid are established, and takes others', () => {
    const admission = new Admission<string>({ total: 10, perUid: 1 });
    admission.admit('first', 1);
    admission.establish('first');
    expect(admission.admit('second', 1)).toEqual({ admitted: false });
    expect(admission.admit('other', 2)).toEqual({ admitted: true, dropped: undefined });
  });

  it('lets a uid pay with its own half-open connections first', () => {
    const admission = new Admission<string>({ total: 2, perUid: 2 });
    admission.admit('of 1', 1);
    admission.admit('of 2', 2);
    expect(admission.admit('again of 2', 2)).toEqual({ admitted: true, dropped: 'of 2' });
    expect(admission.admit('of 3', 3)).toEqual({ admitted: true, dropped: 'of 1' });
  });

  it('has room again when one is released', () => {
    const admission = new Admission<string>({ total: 1, perUid: 1 });
    admission.admit('first', 1);
    admission.establish('first');
    admission.release('first');
    expect(admission.admit('second', 1)).toEqual({ admitted: true, dropped: undefined });
  });

  it('never holds more than its limits, and never drops an established one', () => {
    const step = fc.record({
      action: fc.constantFrom('admit', 'establish', 'release'),
      uid: fc.nat(3),
      pick: fc.nat(30),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), fc.integer({ min: 1, max: 8 }), (steps, total) => {
        const perUid = Math.max(1, total - 2);
        const admission = new Admission<number>({ total, perUid });
        const held = new Map<number, { uid: number; established: boolean }>();
        for (const [id, { action, uid, pick }] of steps.entries()) {
          const chosen = [...held.keys()][pick % Math.max(1, held.size)];
          if (action === 'admit') {
            const decision = admission.admit(id, uid);
            if (decision.admitted && decision.dropped !== undefined) {
              expect(held.get(decision.dropped)?.established).toBe(false);
              held.delete(decision.dropped);
            }
            if (decision.admitted) {
              held.set(id, { uid, established: false });
            }
          } else if (chosen !== undefined && action === 'establish') {
            admission.establish(chosen);
            (held.get(chosen) as { established: boolean }).established = true;
          } else if (chosen !== undefined) {
            admission.release(chosen);
            held.delete(chosen);
          }
          expect(held.size).toBeLessThanOrEqual(total);
          for (const each of [0, 1, 2, 3]) {
            const ofUid = [...held.values()].filter((connection) => connection.uid === each).length;
            expect(ofUid).toBeLessThanOrEqual(perUid);
          }
        }
      }),
    );
  });
});
