import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { paintFor } from './colour.ts';
import { table } from './table.ts';

describe('table', () => {
  it('pads every column but the last and leaves no space at a line end', () => {
    expect(
      table(
        ['A', 'LONG', 'C'],
        [
          ['xx', 'y', 'last one'],
          ['', '', ''],
        ],
      ),
    ).toBe('A   LONG  C\n--  ----  --------\nxx  y     last one\n\n');
  });

  it('has one line a row, whatever the cells hold', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }))),
        (rows) => {
          expect(table(['A', 'B'], rows).split('\n')).toHaveLength(rows.length + 3);
        },
      ),
    );
  });

  it('is the same text with colour, which only words of meaning get', () => {
    const rows = [
      ['FAILED', 'x'],
      ['QUEUED', 'FAILED'],
    ];
    const coloured = table(['S', 'C'], rows, paintFor({ hasColour: true }));
    expect(coloured).toContain('\u001b[31mFAILED\u001b[39m  x\n');
    expect(coloured).toContain('QUEUED  FAILED\n');
    expect(stripVTControlCharacters(coloured)).toBe(table(['S', 'C'], rows, paintFor({ hasColour: false })));
  });
});
