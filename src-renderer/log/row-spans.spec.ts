import { describe, expect, it } from 'vitest';
import { PLAIN } from './look.ts';
import { marksOf, spansOf } from './row-spans.ts';

const plain = (text: string) => ({ text, runs: [{ start: 0, look: PLAIN }], after: PLAIN });

describe('spans of a row', () => {
  it('are cut where letters look otherwise, where something is found, and where it is selected', () => {
    const text = {
      text: 'abcdefgh',
      runs: [
        { start: 0, look: PLAIN },
        { start: 3, look: { ink: '1' } },
      ],
      after: PLAIN,
    };
    const spans = spansOf(text, { start: 1, end: 7 }, [{ start: 2, end: 5 }], { start: 4, end: 8 });
    expect(spans.map(({ text, look, isMatch, isSelected }) => [text, look.ink, isMatch, isSelected])).toEqual(
      [
        ['b', undefined, false, false],
        ['c', undefined, true, false],
        ['d', '1', true, false],
        ['e', '1', true, true],
        ['fg', '1', false, true],
      ],
    );
  });

  it('lead to addresses, without what ends the sentence', () => {
    const text = 'see https://example.org/a, or not';
    const spans = spansOf(plain(text), { start: 0, end: text.length }, [], undefined);
    expect(spans.map(({ text, look }) => [text, look.address])).toEqual([
      ['see ', undefined],
      ['https://example.org/a', 'https://example.org/a'],
      [', or not', undefined],
    ]);
  });
});

describe('marks in a line', () => {
  it.each([
    ['aXbx', 'x', true, [1, 3]],
    ['aXbx', 'x', false, [3]],
    ['aaaa', 'aa', false, [0, 2]],
    ['İx', 'x', true, []],
  ])('%s searched for %s', (line, text, ignoreCase, starts) => {
    expect(marksOf(line, { text, ignoreCase }).map(({ start }) => start)).toEqual(starts);
  });
});
