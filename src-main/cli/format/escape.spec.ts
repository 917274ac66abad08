import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { escapeControlCharacters, escapeJsonText } from './escape.ts';

describe('escapeControlCharacters', () => {
  it.each([
    ['a\nb\tc\r', 'a\\nb\\tc\\r'],
    ['\u001b]52;c;aGk=\u0007', '\\x1b]52;c;aGk=\\x07'],
    ['\u009b31m', '\\x9b31m'],
    ['safe\u202egnp.exe', 'safe\\u202egnp.exe'],
    ['über 日本 🎉', 'über 日本 🎉'],
    ['half \ud83c pair', 'half \\ud83c pair'],
  ])('shows %j as %j', (text, shown) => {
    expect(escapeControlCharacters(text)).toBe(shown);
  });

  it('leaves no character that a terminal acts on', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const shown = escapeControlCharacters(text);
        expect(shown).not.toMatch(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/u);
        expect(shown.isWellFormed()).toBe(true);
      }),
    );
  });
});

describe('escapeJsonText', () => {
  it('keeps the value and hides the characters', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const shown = escapeJsonText(JSON.stringify(value, null, 2));
        expect(JSON.parse(shown)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(shown.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u);
      }),
    );
  });
});
