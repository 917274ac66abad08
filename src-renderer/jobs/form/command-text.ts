/**
 * A command as it is typed into one field: words as a POSIX shell quotes them (Shell Command Language, 2.2), or, where a shell
 * would do more than split it, a line for `sh -c`. Nothing is run or looked up.
 */

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
const EXPANSION = /\$(?:[A-Za-z_]\w*|[0-9{(@*#?$!'"-])|`/y;
const EXPANSION_IN_QUOTES = /\$(?:[A-Za-z_]\w*|[0-9{(@*#?$!-])|`/y;
const SPECIAL = /[|&;<>()*?[\n]/;
const SAFE = /^[A-Za-z0-9_@%+=:,./-]+$/;

export function understand(text: string): Understood {
  const line = text.trim();
  const { words, shellFor, open } = new Splitter(line).split();
  if (shellFor !== undefined) {
    return { command: 'sh', args: ['-c', line], shellFor, open: undefined };
  }
  const [command = '', ...args] = words;
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
  return line === line.trim() && understand(line).shellFor !== undefined;
}

function quoted(word: string): string {
  return SAFE.test(word) ? word : inQuotes(word);
}

function inQuotes(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

interface Split {
  readonly words: readonly string[];
  readonly shellFor: string | undefined;
  readonly open: string | undefined;
}

class Splitter {
  readonly #line: string;
  #at = 0;
  /** undefined: between words; `''` is a word too. */
  #word: string | undefined;
  #isQuoted = false;
  readonly #words: string[] = [];
  #shellFor: string | undefined;
  #open: string | undefined;

  constructor(line: string) {
    this.#line = line;
  }

  /** As far as it can be told: what a shell is needed for may give quotes another meaning, as comments do. */
  split(): Split {
    while (this.#at < this.#line.length && this.#shellFor === undefined) {
      this.#take(this.#line[this.#at] as string);
    }
    this.#endWord();
    return { words: this.#words, shellFor: this.#shellFor, open: this.#open };
  }

  #take(character: string): void {
    if (character === ' ' || character === '\t' || character === '\r') {
      this.#endWord();
      this.#at += 1;
    } else if (character === "'") {
      this.#takeSingleQuoted();
    } else if (character === '"') {
      this.#takeDoubleQuoted();
    } else if (character === '\\') {
      this.#takeEscaped(() => true);
    } else {
      this.#takePlain(character);
    }
  }

  #takePlain(character: string): void {
    const isAtStart = this.#word === undefined;
    if (SPECIAL.test(character) || (isAtStart && (character === '~' || character === '#'))) {
      this.#needShell(character === '\n' ? '⏎' : character);
    }
    this.#needShell(this.#match(EXPANSION));
    this.#add(character, 1);
  }

  #takeSingleQuoted(): void {
    const end = this.#line.indexOf("'", this.#at + 1);
    this.#isQuoted = true;
    if (end === -1) {
      this.#open ??= "'";
      this.#at = this.#line.length;
    } else {
      this.#add(this.#line.slice(this.#at + 1, end), end + 1 - this.#at);
    }
  }

  #takeDoubleQuoted(): void {
    this.#isQuoted = true;
    this.#add('', 1);
    while (this.#at < this.#line.length) {
      const character = this.#line[this.#at] as string;
      if (character === '"') {
        this.#at += 1;
        return;
      }
      if (character === '\\') {
        this.#takeEscaped((next) => '$`"\\'.includes(next));
      } else {
        this.#needShell(this.#match(EXPANSION_IN_QUOTES));
        this.#add(character, 1);
      }
    }
    this.#open ??= '"';
  }

  /** A backslash before the end of a line joins it with the next; one that escapes nothing stands for itself. */
  #takeEscaped(isEscapable: (character: string) => boolean): void {
    const next = this.#line[this.#at + 1];
    if (next === '\n') {
      this.#at += 2;
      return;
    }
    this.#isQuoted = true;
    if (next === undefined) {
      this.#add('\\', 1);
    } else {
      this.#add(isEscapable(next) ? next : `\\${next}`, 2);
    }
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    return pattern.exec(this.#line)?.[0];
  }

  #needShell(because: string | undefined): void {
    this.#shellFor ??= because;
  }

  #add(text: string, consumed: number): void {
    this.#word = (this.#word ?? '') + text;
    this.#at += consumed;
  }

  #endWord(): void {
    const word = this.#word;
    if (word !== undefined) {
      if (this.#words.length === 0 && !this.#isQuoted && RESERVED.has(word)) {
        this.#needShell(word);
      }
      if (this.#words.length === 0 && !this.#isQuoted) {
        this.#needShell(ASSIGNMENT.exec(word)?.[0]);
      }
      this.#words.push(word);
    }
    this.#word = undefined;
    this.#isQuoted = false;
  }
}
