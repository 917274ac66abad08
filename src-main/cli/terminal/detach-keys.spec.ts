import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DetachKeys } from './detach-keys.ts';

const anyBytes = fc.array(fc.constantFrom(0x10, 0x11, 0x61, 0x0d), { maxLength: 20 });

/** All that is passed on of keys that come in these pieces, and whether they detach. */
function type(pieces: readonly (readonly number[])[]) {
  const keys = new DetachKeys();
  const passed: number[] = [];
  for (const piece of pieces) {
    const { bytes, isDetached } = keys.push(Buffer.from(piece));
    passed.push(...bytes);
    if (isDetached) {
      return { passed, isDetached };
    }
  }
  return { passed, isDetached: false };
}

describe('DetachKeys', () => {
  it('detaches on Ctrl-P Ctrl-Q and passes on neither, however they come', () => {
    expect(type([[0x61, 0x10, 0x11, 0x62]])).toEqual({ passed: [0x61], isDetached: true });
    expect(type([[0x61, 0x10], [0x11]])).toEqual({ passed: [0x61], isDetached: true });
  });

  it('lets each Ctrl-P through when another key follows', () => {
    expect(type([[0x10], [0x10], [0x61], [0x11]])).toEqual({
      passed: [0x10, 0x10, 0x61, 0x11],
      isDetached: false,
    });
  });

  it('passes on the same whatever the pieces, and all but a last half pair', () => {
    fc.assert(
      fc.property(fc.array(anyBytes), (pieces) => {
        const whole = pieces.flat();
        expect(type(pieces)).toEqual(type([whole]));
        const { passed, isDetached } = type(pieces);
        if (!isDetached) {
          expect(passed).toEqual(whole.at(-1) === 0x10 ? whole.slice(0, -1) : whole);
        }
      }),
    );
  });
});
