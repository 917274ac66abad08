import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quoted, splitWords } from './shell-words.ts';

const textsOf = (line: string) => splitWords(line).words.map(({ text }) => text);

/** The arguments that the real shell gives to the program `x`, with nothing of the machine's to replace anything by. */
function wordsOfShell(line: string): string[] {
  const script = `set -f\nx() { for each; do printf '%s\\0' "$each"; done; }\nx ${line}`;
  const told = execFileSync('/bin/sh', ['-c', script], { env: {}, stdio: ['ignore', 'pipe', 'ignore'] });
  return told.toString('utf8').split('\0').slice(0, -1);
}

describe('splitWords', () => {
  it('takes apart as the real /bin/sh does, whatever is quoted in whatever way', () => {
    const piece = fc.oneof(
      {
        weight: 8,
        arbitrary: fc.constantFrom(' ', '\t', "'", '"', '\\', '\\\n', '\\ ', 'a', '=', '#', '{', '!'),
      },
      {
        weight: 2,
        arbitrary: fc.constantFrom('-e', "'a b'", '"a b"', '%s', '~', ',', '$', '5', 'é', 'a\u00a0b'),
      },
    );
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 14 }), (pieces) => {
        const line = pieces.join('');
        const { words, open, rest } = splitWords(`x ${line}`);
        const isPlain = words.every(({ expansions }) => expansions.length === 0);
        // A `$` that a line break parts from its name is not looked for.
        fc.pre(!line.includes('$\\\n'));
        fc.pre(open === undefined && isPlain && /^(#[^\n]*)?$/.test(rest));
        expect(words.slice(1).map(({ text }) => text)).toEqual(wordsOfShell(line));
      }),
      { numRuns: 400 },
    );
  });

  it('ends where the real /bin/sh ends the command', () => {
    const end = fc.constantFrom(
      '; x b',
      '&& x b',
      '|| x b',
      '\nx b',
      '>/dev/null',
      '2>&1',
      ' # b',
      '| cat',
      '&',
    );
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z' ]{0,6}$/), end, (before, after) => {
        const { words, open, rest } = splitWords(`x ${before}${after}`);
        fc.pre(open === undefined && rest !== '');
        // What follows is not run: the words before it are all that the first command gets.
        const line = `${before}${after.replace(/x b$/, ':')} `;
        const shells = after.startsWith('>') ? textsOf(before) : wordsOfShell(line);
        expect(words.slice(1).map(({ text }) => text)).toEqual(shells);
      }),
      { numRuns: 100 },
    );
  });

  it('reads back what is quoted as one word, whatever it holds', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' }), { minLength: 1, maxLength: 4 }), (words) => {
        const line = words.map(quoted).join(' ');
        expect(splitWords(line)).toMatchObject({
          words: words.map((text) => ({ text, expansions: [] })),
          rest: '',
          open: undefined,
        });
      }),
    );
  });

  it.each([
    ['$HOME/x', '$HOME/x', ['$HOME']],
    ['"$(pwd)"', '$(pwd)', ['$(pwd)']],
    [`"$(echo ')' "a) b")"`, `$(echo ')' "a) b")`, [`$(echo ')' "a) b")`]],
    [`\${A:-"}"}`, `\${A:-"}"}`, [`\${A:-"}"}`]],
    ['`a \\` b`', '`a \\` b`', ['`a \\` b`']],
    ["$'a b'", "$'a b'", ["$'a b'"]],
    ['$((1 + (2)))', '$((1 + (2)))', ['$((1 + (2)))']],
    ['*.c', '*.c', ['*']],
    ['~/src', '~/src', ['~']],
    ['a~', 'a~', []],
    ['{a,b}', '{a,b}', ['{a,b}']],
    ["'$HOME'", '$HOME', []],
    ['\\$HOME', '$HOME', []],
    ['5$', '5$', []],
  ])('leaves %s as it was typed, and says what a shell would have replaced', (line, text, expansions) => {
    expect(splitWords(`x ${line} y`)).toMatchObject({
      words: [{ text: 'x' }, { text, expansions }, { text: 'y' }],
      rest: '',
    });
  });

  it.each([
    ["a 'b c", "'"],
    ['a "b', '"'],
    ['a "b $(c"', '$('],
    ['a ${b', '${'],
    ['a `b', '`'],
  ])('says what is open in %s', (line, open) => {
    expect(splitWords(line).open).toBe(open);
  });

  it.each([
    ['a b 2>&1 | c', ['a', 'b'], '2>&1 | c'],
    ['a b2>c', ['a', 'b2'], '>c'],
    ['a && b', ['a'], '&& b'],
    ['a # b', ['a'], '# b'],
    ['a\n\n', ['a'], ''],
    ['a\nb', ['a'], '\nb'],
    ['  a\\ ', ['a '], ''],
  ])('ends %j at what is no word of it', (line, words, rest) => {
    expect(textsOf(line)).toEqual(words);
    expect(splitWords(line).rest).toBe(rest);
  });
});
