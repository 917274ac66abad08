import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { commandText, understand } from './command-text.ts';

const wordsOf = (text: string) => {
  const { command, args } = understand(text);
  return [command, ...args];
};

describe('understand', () => {
  it.each([
    ['make -j8', ['make', '-j8']],
    ['  echo   "a  b" \'c d\' e\\ f ', ['echo', 'a  b', 'c d', 'e f']],
    ["printf '%s\\n' '$HOME'", ['printf', '%s\\n', '$HOME']],
    ['echo "a\\"b\\n" \'\' ""', ['echo', 'a"b\\n', '', '']],
    ["find . -name '*.c'", ['find', '.', '-name', '*.c']],
    ['make \\\n  -j8', ['make', '-j8']],
    ['echo a#b x~ 5$ A=1', ['echo', 'a#b', 'x~', '5$', 'A=1']],
    ["'if' a", ['if', 'a']],
    ["'A=1' b", ['A=1', 'b']],
  ])('splits %j as a shell does', (text, words) => {
    expect(understand(text).shellFor).toBeUndefined();
    expect(wordsOf(text)).toEqual(words);
  });

  it.each([
    ['make && make install', '&'],
    ['cat a | wc', '|'],
    ['echo $HOME', '$HOME'],
    ['echo "$(pwd)"', '$('],
    ['echo `pwd`', '`'],
    ['rm *.o', '*'],
    ['ls ~/src', '~'],
    ['CC=clang make', 'CC='],
    ['for i in 1 2; do echo; done', 'for'],
    ['one\ntwo', '⏎'],
    ["make # don't", '#'],
    ["cat <<END\ndon't\nEND", '<'],
  ])('leaves %j to a shell because of %s', (text, because) => {
    expect(understand(text)).toEqual({
      command: 'sh',
      args: ['-c', text],
      shellFor: because,
      open: undefined,
    });
  });

  it.each([
    ["echo 'a", "'"],
    ['echo "a', '"'],
  ])('names the quote of %j that is not closed', (text, quote) => {
    expect(understand(text).open).toBe(quote);
  });

  it('understands nothing in nothing', () => {
    expect(understand(' \n')).toEqual({ command: '', args: [], shellFor: undefined, open: undefined });
  });

  it('splits as the real sh does, where it splits at all', () => {
    const piece = fc.constantFrom(
      'a',
      ' ',
      "'",
      '"',
      '\\',
      '$',
      '=',
      'b c',
      '\n',
      '%',
      '~',
      '#',
      '-',
      '{',
      '!',
    );
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 12 }), (pieces) => {
        const text = `x ${pieces.join('')}`.trim();
        const { args, shellFor, open } = understand(text);
        fc.pre(shellFor === undefined && open === undefined);
        const script = `x() { for each; do printf '%s\\0' "$each"; done; }\n${text}`;
        const told = execFileSync('sh', ['-c', script]).toString('utf8').split('\0').slice(0, -1);
        expect(args).toEqual(told);
      }),
      { numRuns: 60 },
    );
  });
});

describe('commandText', () => {
  it('shows a line of shell as it was typed', () => {
    expect(commandText('sh', ['-c', 'make && make install'])).toBe('make && make install');
    expect(commandText('sh', ['-c', 'make'])).toBe('sh -c make');
  });

  it('is understood as the same command, whatever its words hold', () => {
    const word = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(
        'sh',
        '-c',
        'if',
        'A=1',
        '',
        '*',
        "'",
        'a b',
        'a\nb',
        '~',
        '#',
        'make && b',
        '\\',
        ' x ',
      ),
    );
    fc.assert(
      fc.property(word, fc.array(word, { maxLength: 4 }), (command, args) => {
        const understood = understand(commandText(command, args));
        expect([understood.command, ...understood.args]).toEqual([command, ...args]);
      }),
    );
  });
});
