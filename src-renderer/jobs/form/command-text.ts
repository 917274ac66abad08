/**
 * A command as it is typed into one field: words as a POSIX shell quotes them (Shell Command Language, 2.2), or, where a shell
 * would do more than split it, a line for `sh -c`. Nothing is run or looked up.
 */

import { inQuotes, quoted, splitWords, type Word } from '../../../src-main/ipc/contract.ts';

export interface Understood {
  readonly command: string;
  readonly args: readonly string[];
  /** What of it only a shell understands; undefined: nothing, so it is split into words. */
  readonly shellFor: string | undefined;
  /** A quote that is opened and not closed. */
  readonly open: string | undefined;
}

/** Words by which a shell's own constructs begin (2.4); a program of that name needs quotes. */
const RESERVED: ReadonlySet<string> = new Set(['!', '{', 'case', 'for', 'if', 'until', 'while']);
const ASSIGNMENT = /^[A-Za-z_][A-Za-z0-9_]*=/;

export function understand(text: string): Understood {
  const line = trimmed(text);
  const { words, rest, open } = splitWords(line);
  const shellFor = needsShell(words, rest);
  if (shellFor !== undefined) {
    return { command: 'sh', args: ['-c', line], shellFor, open: undefined };
  }
  const [command = '', ...args] = words.map((word) => word.text);
  return { command, args, shellFor, open };
}

/** The text that is understood as this command. */
export function commandText(command: string, args: readonly string[]): string {
  const [option, line] = args;
  if (command === 'sh' && option === '-c' && args.length === 2 && isShellLine(line as string)) {
    return line as string;
  }
  return [
    RESERVED.has(command) || command.includes('=') ? inQuotes(command) : quoted(command),
    ...args.map(quoted),
  ].join(' ');
}

function isShellLine(line: string): boolean {
  return line === trimmed(line) && understand(line).shellFor !== undefined;
}

/** A blank that is escaped is part of a word. */
function trimmed(text: string): string {
  const end = text.trimEnd();
  return (end.endsWith('\\') ? text.slice(0, end.length + 1) : end).trimStart();
}

/** The first thing that a shell would do more than split the line, as it was typed. */
function needsShell(words: readonly Word[], rest: string): string | undefined {
  const [first] = words;
  const isPlain = first !== undefined && !first.isQuoted;
  return (
    (isPlain && RESERVED.has(first.text) ? first.text : undefined) ??
    (isPlain ? ASSIGNMENT.exec(first.text)?.[0] : undefined) ??
    words.flatMap(({ expansions }) => expansions.map(beginningOf)).find((each) => each !== undefined) ??
    (rest === '' ? undefined : rest.replace(/^\n.*/s, '⏎')[0])
  );
}

/** Braces are more than letters to some shells only, and to `sh` they need not be. */
function beginningOf(expansion: string): string | undefined {
  const [, beginning] = /^(\$[({'"]|`|\$.*|[*?[~])/s.exec(expansion) ?? [];
  return beginning;
}
