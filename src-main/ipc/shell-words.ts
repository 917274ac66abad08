/**
 * The words of a line as a POSIX shell takes them apart (Shell Command Language, 2.2 and 2.3), without a shell: nothing is
 * run, looked up or replaced. What a shell would have replaced stays as it was typed, and is told of. It runs everywhere.
 */

export interface Word {
  readonly text: string;
  /** Parts that a shell would have replaced by something else: `$HOME`, `$(pwd)`, `*.txt`, `~`. */
  readonly expansions: readonly string[];
  /** Whether any of it was quoted: then a shell takes it for nothing but a word. */
  readonly isQuoted: boolean;
}

export interface SplitLine {
  readonly words: readonly Word[];
  /** From the first operator or comment on (`| tee x`, `&& make`, `# why`): not part of the command; empty when there is none. */
  readonly rest: string;
  /** The quote or bracket that is opened and not closed, `'` or `$(`: what follows it was not read. */
  readonly open: string | undefined;
}

const SAFE = /^[A-Za-z0-9_@%+=:,./-]+$/;
/** White space and operators end a word; `\n` that is not escaped ends the command. */
const OPERATOR = /[|&;<>()\n]/;
const BLANK = /[ \t\r]/;
const PARAMETER = /\$(?:[A-Za-z_][A-Za-z0-9_]*|[0-9@*#?$!-])/y;
/** What bash and zsh know beside: `$'a\n'`, `$"a"` and `{a,b}`. */
const DOLLAR_STRING = /\$(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")/sy;
const BRACES = /\{[^\s{}'"]*(?:,|\.\.)[^\s{}'"]*\}/y;
const GLOB = /[*?[]/;
const BACKQUOTED = /`(?:[^`\\]|\\.)*`/sy;
/** A part of `$(…)` or `${…}`: a quoted one whole, else a character. */
const IN_BRACKETS = /\\.|'[^']*'|"(?:[^"\\]|\\.)*"|./gs;

export function splitWords(line: string): SplitLine {
  return new Splitter(line.trimStart()).split();
}

/** One word: what a shell would read otherwise stands in single quotes. */
export function quoted(word: string): string {
  return SAFE.test(word) ? word : inQuotes(word);
}

export function inQuotes(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

class Splitter {
  readonly #line: string;
  #at = 0;
  #text = '';
  #expansions: string[] = [];
  /** `''` is a word too. */
  #isInWord = false;
  #isQuoted = false;
  #wordStart = 0;
  #open: string | undefined;
  readonly #words: Word[] = [];

  constructor(line: string) {
    this.#line = line;
  }

  split(): SplitLine {
    while (this.#at < this.#line.length) {
      const character = this.#line[this.#at] as string;
      if (OPERATOR.test(character)) {
        return this.#endAtOperator(character);
      }
      if (character === '#' && !this.#isInWord) {
        break;
      }
      if (BLANK.test(character)) {
        this.#endWord();
        this.#at += 1;
      } else {
        this.#take(character);
      }
    }
    this.#endWord();
    return this.#told();
  }

  /** The descriptor of a redirection belongs to it: `2>&1`. */
  #endAtOperator(operator: string): SplitLine {
    const isRedirection = operator === '<' || operator === '>';
    if (isRedirection && this.#isInWord && /^\d+$/.test(this.#line.slice(this.#wordStart, this.#at))) {
      this.#at = this.#wordStart;
    } else {
      this.#endWord();
    }
    return this.#told();
  }

  /** Line breaks after which nothing comes are none. */
  #told(): SplitLine {
    const rest = this.#line.slice(this.#at).trimEnd();
    return { words: this.#words, rest, open: this.#open };
  }

  #take(character: string): void {
    switch (character) {
      case "'":
        this.#takeSingleQuoted();
        break;
      case '"':
        this.#takeDoubleQuoted();
        break;
      case '\\':
        this.#takeEscaped(() => true);
        break;
      case '$':
      case '`':
        this.#takeExpansion(this.#match(DOLLAR_STRING));
        break;
      default:
        this.#takePlain(character);
    }
  }

  #takePlain(character: string): void {
    const expansion = this.#match(BRACES) ?? character;
    if (expansion.length > 1 || GLOB.test(character) || (character === '~' && !this.#isInWord)) {
      this.#expansions.push(expansion);
    }
    this.#add(expansion, expansion.length);
  }

  #takeSingleQuoted(): void {
    const end = this.#line.indexOf("'", this.#at + 1);
    this.#isQuoted = true;
    if (end === -1) {
      this.#leaveOpen("'");
      return;
    }
    this.#add(this.#line.slice(this.#at + 1, end), end + 1 - this.#at);
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
      } else if (character === '$' || character === '`') {
        this.#takeExpansion();
      } else {
        this.#add(character, 1);
      }
    }
    this.#leaveOpen('"');
  }

  /** A backslash before the end of a line joins it with the next; and one that escapes nothing stands for itself. */
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

  #takeExpansion(expansion: string = this.#expansionHere()): void {
    if (expansion.length > 1) {
      this.#expansions.push(expansion);
    }
    this.#add(expansion, expansion.length);
  }

  /** A lone `$` stands for itself. */
  #expansionHere(): string {
    const opener = this.#line.slice(this.#at, this.#at + 2);
    if (opener === '$(' || opener === '${') {
      return this.#bracketed(opener);
    }
    if (opener[0] === '`') {
      return this.#match(BACKQUOTED) ?? this.#leaveOpen('`');
    }
    return this.#match(PARAMETER) ?? '$';
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    return pattern.exec(this.#line)?.[0];
  }

  /** To the bracket that closes it, past those in quotes: it is shown, not understood. */
  #bracketed(opener: string): string {
    const opening = opener[1] as string;
    const closing = opening === '(' ? ')' : '}';
    let depth = 0;
    IN_BRACKETS.lastIndex = this.#at + 1;
    for (let part = IN_BRACKETS.exec(this.#line); part !== null; part = IN_BRACKETS.exec(this.#line)) {
      depth += part[0] === opening ? 1 : part[0] === closing ? -1 : 0;
      if (depth === 0) {
        return this.#line.slice(this.#at, IN_BRACKETS.lastIndex);
      }
    }
    return this.#leaveOpen(opener);
  }

  /** @returns the rest of the line, which belongs to it. */
  #leaveOpen(opener: string): string {
    this.#open ??= opener;
    const rest = this.#line.slice(this.#at);
    this.#at = this.#line.length;
    return rest;
  }

  #add(text: string, consumed: number): void {
    if (!this.#isInWord) {
      this.#wordStart = this.#at;
    }
    this.#text += text;
    this.#at += consumed;
    this.#isInWord = true;
  }

  #endWord(): void {
    if (this.#isInWord) {
      this.#words.push({ text: this.#text, expansions: this.#expansions, isQuoted: this.#isQuoted });
    }
    this.#text = '';
    this.#expansions = [];
    this.#isInWord = false;
    this.#isQuoted = false;
  }
}
