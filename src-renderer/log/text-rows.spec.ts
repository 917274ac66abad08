import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { letterAt, rowsOf } from './text-rows.ts';

const anyText = fc.string({
  unit: fc.constantFrom('a', ' ', '\t', 'é', '日', '🙂', 'e\u0301', '👩‍👩‍👧', 'א'),
  maxLength: 60,
});

describe('rows of a text', () => {
  it('have all of it, in their order, and none breaks a letter', () => {
    fc.assert(
      fc.property(anyText, fc.integer({ min: 10, max: 30 }), (text, columns) => {
        const rows = rowsOf(text, columns);
        expect(rows.map(({ start, end }) => text.slice(start, end)).join('')).toBe(text);
        const letters = new Set([...new Intl.Segmenter().segment(text)].map(({ index }) => index));
        expect(rows.every(({ start }, at) => at === 0 || letters.has(start))).toBe(true);
      }),
    );
  });

  it.each([
    ['abcdef', 4, ['abcd', 'ef']],
    ['日本語', 4, ['日本', '語']],
    ['a\tb', 8, ['a\t', 'b']],
    ['', 4, ['']],
    ['abcdef', undefined, ['abcdef']],
  ])('%j in %s columns', (text, columns, rows) => {
    expect(rowsOf(text, columns).map(({ start, end }) => text.slice(start, end))).toEqual(rows);
  });

  it('know the letter in a column', () => {
    const row = { start: 0, end: 4 };
    expect([0, 0.4, 0.6, 3, 9].map((column) => letterAt('abcd', row, column))).toEqual([0, 0, 1, 3, 4]);
    expect([0, 1.5, 2.9, 3.1].map((column) => letterAt('日本', { start: 0, end: 2 }, column))).toEqual([
      0, 1, 1, 2,
    ]);
  });
});
