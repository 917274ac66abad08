import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type RowPlace, Viewport } from './viewport.ts';

const anyRows = fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 40 });

function placesOf(rows: readonly number[]): RowPlace[] {
  return rows.flatMap((count, line) => Array.from({ length: count }, (_, row) => ({ line, row })));
}

describe('a viewport', () => {
  it('moves by rows as if there were a list of all of them', () => {
    fc.assert(
      fc.property(
        anyRows,
        fc.array(fc.integer({ min: -30, max: 30 })),
        fc.integer({ min: 1, max: 20 }),
        (rows, moves, height) => {
          const all = placesOf(rows);
          const viewport = new Viewport((line) => rows[line] as number);
          viewport.height = height;
          let top = 0;
          for (const move of moves) {
            const target = Math.max(0, Math.min(all.length - 1, top + move));
            expect(viewport.scroll(move, rows.length)).toBe(target - top);
            top = target;
            expect(viewport.visible(rows.length)).toEqual(all.slice(top, top + height));
          }
        },
      ),
    );
  });

  it('stands at the end with the last row at the bottom', () => {
    fc.assert(
      fc.property(anyRows, fc.integer({ min: 1, max: 50 }), (rows, height) => {
        const viewport = new Viewport((line) => rows[line] as number);
        viewport.height = height;
        viewport.toEnd(rows.length);
        expect(viewport.visible(rows.length)).toEqual(placesOf(rows).slice(-height));
      }),
    );
  });

  it('shows the same after lines have come or gone before it', () => {
    const rows = [1, 2, 3, 1, 1];
    const viewport = new Viewport((line) => rows[line] as number);
    viewport.height = 2;
    viewport.scroll(4, 5);
    viewport.shift(7);
    expect(viewport.top).toEqual({ line: 9, row: 1 });
    viewport.shift(-20);
    expect(viewport.top).toEqual({ line: 0, row: 0 });
  });
});
