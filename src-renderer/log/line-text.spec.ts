import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lineTextOf } from './line-text.ts';
import { PLAIN } from './look.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const textOf = (text: string) => lineTextOf(bytes(text), PLAIN).text;

describe('the text of a line', () => {
  it.each([
    ['a progress bar', '10 %\r20 %\r99 %', '99 %'],
    ['a shorter one over a longer', 'downloading\rdone', 'doneloading'],
    ['what is erased before it is written over', 'downloading\r\x1b[Kdone', 'done'],
    ['a line end of DOS', 'text\r', 'text'],
    ['steps back', 'abc\b\bX', 'aXc'],
    ['steps forward over nothing', 'a\x1b[3Cb', 'a   b'],
    ['a column', 'abcdef\x1b[2GX', 'aXcdef'],
    ['control characters', '\0\x01\x7f\x0b\x0c', '␀␁␡␋␌'],
    ['marks that turn the direction', 'a\u202eb', 'a\ufffdb'],
    ['a title, a query, the clipboard', '\x1b]0;t\x07\x1b[c\x1b]52;c;QQ==\x07end', 'end'],
    ['a sequence without an end', 'begin\x1b]0;never', 'begin'],
  ])('shows of %s what a terminal would', (_what, written, seen) => {
    expect(textOf(written)).toBe(seen);
  });

  it('keeps colours apart, and says what goes on in the next line', () => {
    const { text, runs, after } = lineTextOf(bytes('a\x1b[1;31mb\x1b[0mc\x1b[38;5;200;48;2;1;2;3md'), PLAIN);
    expect(text).toBe('abcd');
    expect(runs).toEqual([
      { start: 0, look: {} },
      { start: 1, look: { weight: 'bold', ink: '1' } },
      { start: 2, look: {} },
      { start: 3, look: { ink: '200', ground: '#010203' } },
    ]);
    expect(after).toEqual({ ink: '200', ground: '#010203' });
    expect(lineTextOf(bytes('on'), after).runs).toEqual([{ start: 0, look: after }]);
  });

  it('leads to the web alone', () => {
    const link = (address: string) =>
      lineTextOf(bytes(`\x1b]8;;${address}\x1b\\x\x1b]8;;\x1b\\`), PLAIN).runs[0]?.look;
    expect(link('https://example.org/')).toEqual({ address: 'https://example.org/' });
    expect(link('javascript:alert(1)')).toEqual({});
  });

  it('of any bytes has no control character, no line break, and runs that rise', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (raw) => {
        const { text, runs } = lineTextOf(
          raw.filter((byte) => byte !== 0x0a),
          PLAIN,
        );
        // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
        expect(text).not.toMatch(/[\x00-\x08\x0a-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/);
        expect(runs[0]?.start).toBe(0);
        expect(runs.every(({ start }, at) => at === 0 || start > (runs[at - 1]?.start ?? 0))).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});
