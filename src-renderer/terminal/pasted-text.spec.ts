import { describe, expect, it } from 'vitest';
import { beginningOf, isMoreThanSeen, lineCount } from './pasted-text.ts';

describe('what is pasted', () => {
  it.each([
    ['a line', 'ls -la\tb', false],
    ['two lines', 'ls\nrm -rf x', true],
    ['the end of a line', 'rm -rf x\r', true],
    ['a control', 'a\x1b[2K', true],
    ['a turn of the order', 'a\u202eb', true],
    ['a sign of no width', 'a\u200bb', true],
  ])('is more than is seen, or not: %s', (_what, pasted, isMore) => {
    expect(isMoreThanSeen(pasted)).toBe(isMore);
  });

  it.each([
    ['a', 1],
    ['a\n', 1],
    ['a\nb', 2],
    ['a\r\nb\r\n', 2],
    ['\n\n', 2],
  ])('has lines: %j', (pasted, lines) => {
    expect(lineCount(pasted)).toBe(lines);
  });

  it('is shown with every sign to be seen', () => {
    expect(beginningOf('a\x1b[2K\u202e\r\n\tb', 9, 99)).toEqual({
      text: 'a\\u{1b}[2K\\u{202e}\\u{d}\n\tb',
      isAll: true,
    });
  });

  it('is shown up to a number of lines and of characters', () => {
    expect(beginningOf('a\nb\nc', 2, 99)).toEqual({ text: 'a\nb', isAll: false });
    expect(beginningOf('x'.repeat(1_000_000), 2, 3)).toEqual({ text: 'xxx', isAll: false });
  });
});
