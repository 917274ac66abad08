import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  choose,
  chooseAll,
  extend,
  move,
  NOTHING_CHOSEN,
  type Order,
  shownOf,
  target,
  toggle,
} from './selection.ts';

function orderOf(...rows: readonly string[]): Order {
  return { size: rows.length, at: (index) => rows[index], indexOf: (uuid) => rows.indexOf(uuid) };
}

const ROWS = orderOf('a', 'b', 'c', 'd');

describe('a selection', () => {
  it('adds and takes away one by one', () => {
    expect([...toggle(choose('a'), 'c').chosen]).toEqual(['a', 'c']);
    expect([...toggle(toggle(choose('a'), 'c'), 'a').chosen]).toEqual(['c']);
  });

  it('extends from the anchor, both ways, and shrinks again', () => {
    const down = extend(choose('b'), 'd', ROWS);
    expect([...down.chosen]).toEqual(['b', 'c', 'd']);
    expect([...extend(down, 'a', ROWS).chosen]).toEqual(['a', 'b']);
  });

  it('begins anew where its anchor is no longer shown', () => {
    expect(extend(choose('gone'), 'c', ROWS)).toEqual(choose('c'));
    expect(extend(NOTHING_CHOSEN, 'c', ROWS)).toEqual(choose('c'));
  });

  it('moves the cursor without choosing', () => {
    expect(move(choose('a'), 'c')).toEqual({ ...choose('a'), cursor: 'c' });
  });

  it('takes all that are shown, and acts on no other', () => {
    expect(chooseAll(choose('b'), ROWS).chosen.size).toBe(4);
    expect(shownOf(chooseAll(NOTHING_CHOSEN, ROWS), (uuid) => uuid > 'b')).toEqual(['c', 'd']);
  });
});

describe('target', () => {
  it.each([
    ['ArrowDown', 0, 1],
    ['ArrowUp', 0, 0],
    ['PageDown', 5, 9],
    ['PageUp', 5, 0],
    ['Home', 5, 0],
    ['End', 5, 9],
    ['x', 5, undefined],
  ])('%s leads from row %i of 10 to %s', (key, index, wanted) => {
    expect(target(key, index, 10, 7)).toBe(wanted);
  });

  it('never leaves the rows', () => {
    const key = fc.constantFrom('ArrowDown', 'ArrowUp', 'PageDown', 'PageUp', 'Home', 'End');
    fc.assert(
      fc.property(
        key,
        fc.integer({ min: -1, max: 50 }),
        fc.integer({ min: 1, max: 50 }),
        (pressed, index, size) => {
          const led = target(pressed, index, size, 7) ?? -1;
          expect(led).toBeGreaterThanOrEqual(0);
          expect(led).toBeLessThan(size);
        },
      ),
    );
  });
});
