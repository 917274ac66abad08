import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { commandLineOf } from './command-line.ts';

describe('commandLineOf', () => {
  it('keeps a command and its arguments as they are', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^\S+$/), fc.array(fc.string(), { minLength: 1 }), (command, args) => {
        expect(commandLineOf([command, ...args])).toEqual({ command, args });
      }),
    );
  });

  it.each(['echo a; false', 'echo a\necho b', 'true\tx', ' ls'])(
    'gives the single argument %j to a shell',
    (line) => {
      expect(commandLineOf([line])).toEqual({ command: 'sh', args: ['-c', line] });
    },
  );

  it('does not give a single word, or more than one argument, to a shell', () => {
    expect(commandLineOf(['ls'])).toEqual({ command: 'ls', args: [] });
    expect(commandLineOf(['echo a', 'b'])).toEqual({ command: 'echo a', args: ['b'] });
  });

  it('runs a program whose name holds a space', () => {
    const directory = mkdtempSync(join(tmpdir(), 'joblet cli '));
    const program = join(directory, 'two words');
    try {
      expect(commandLineOf([program]).command).toBe('sh');
      writeFileSync(program, '#!/bin/sh\n');
      expect(commandLineOf([program]).command).toBe('sh');
      chmodSync(program, 0o755);
      expect(commandLineOf([program])).toEqual({ command: program, args: [] });
      expect(commandLineOf(['two words'], directory)).toEqual({ command: 'two words', args: [] });
      expect(commandLineOf(['two words']).command).toBe('sh');
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it.each([[[]], [['']], [['  ']]])('refuses %j', (words) => {
    expect(() => commandLineOf(words)).toThrow(/^command: is missing or empty/);
  });
});
