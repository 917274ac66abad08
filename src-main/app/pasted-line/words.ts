/**
 * The words of a command line as a POSIX shell takes them apart (Shell Command Language, 2.2 and 2.3), without a shell: nothing is
 * run, looked up or replaced. What a shell would have replaced stays as it was typed, and is told of.
 */
import { JobletError } from '../../../native-helper/api/errors.ts';

export interface Word {
  readonly text: string;
  /** Parts that a shell would have replaced by something else: `$HOME`, `$(pwd)`, `*.txt`, `~`. */
  readonly expansions: readonly string[];
}

export interface SplitLine {
  readonly words: readonly Word[];
  /** From the first operator on (`| tee x`, `&& make`, `> out`): not part of the command; empty when there is none. */
  readonly rest: string;
}

/** White space and operators end a word; `\n` that is not escaped ends the command. */
const OPERATOR = /[|&;<>()\n]/;
const BLANK = /[ \t\r]/;
const PARAMETER = /\$(?:[A-Za-z_][A-Za-z0-9_]*|[0-9@*#?$!-])/y;
/** What bash and zsh know beside: `$'a\n'` and `{a,b}`. */
const ESCAPED_STRING = /\$'(?:[^'\\]|\\.)*'/sy;
const BRACES = /\{[^\s{}'"]*(?:,|\.\.)[^\s{}'"]*\}/y;
const GLOB = /[*?[]/;

/** @throws JobletError (invalid) for a quote or a bracket that is not closed. */
export function splitWords(line: string): SplitLine {
  return new Splitter(line.trim()).split();
}

class Splitter {
  readonly #line: string;
  #at = 0;
  #text = '';
  #expansions: string[] = [];
  /** `''` is a word too. */
  #isInWord = false;
  #wordStart = 0;
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
      if (BLANK.test(character)) {
        this.#endWord();
        this.#at += 1;
      } else if (character === '#' && !this.#isInWord) {
        this.#skipTo(this.#line.indexOf('\n', this.#at));
      } else {
        this.#take(character);
      }
    }
    this.#endWord();
    return { words: this.#words, rest: '' };
  }

  /** The descriptor of a redirection belongs to it: `2>&1`. */
  #endAtOperator(operator: string): SplitLine {
    const isRedirection = operator === '<' || operator === '>';
    if (isRedirection && this.#isInWord && /^\d+$/.test(this.#line.slice(this.#wordStart, this.#at))) {
      this.#at = this.#wordStart;
    } else {
      this.#endWord();
    }
    return { words: this.#words, rest: this.#line.slice(this.#at).trim() };
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
        this.#takeExpansion(this.#match(ESCAPED_STRING));
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
    if (end === -1) {
      throw notClosed("'");
    }
    this.#add(this.#line.slice(this.#at + 1, end), end + 1 - this.#at);
  }

  #takeDoubleQuoted(): void {
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
    throw notClosed('"');
  }

  /** A backslash before the end of a line joins it with the next; and one that escapes nothing stands for itself. */
  #takeEscaped(isEscapable: (character: string) => boolean): void {
    const next = this.#line[this.#at + 1];
    if (next === '\n') {
      this.#at += 2;
    } else if (next === undefined) {
      this.#add('\\', 1);
    } else if (isEscapable(next)) {
      this.#add(next, 2);
    } else {
      this.#add(`\\${next}`, 2);
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
      return this.#bracketed(opener[1] as string, opener === '$(' ? ')' : '}');
    }
    if (opener[0] === '`') {
      const end = this.#line.indexOf('`', this.#at + 1);
      if (end === -1) {
        throw notClosed('`');
      }
      return this.#line.slice(this.#at, end + 1);
    }
    return this.#match(PARAMETER) ?? '$';
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    return pattern.exec(this.#line)?.[0];
  }

  /** To the bracket that closes it, whatever stands between: it is shown, not understood. */
  #bracketed(opening: string, closing: string): string {
    let depth = 0;
    for (let end = this.#at + 1; end < this.#line.length; end += 1) {
      const character = this.#line[end];
      depth += character === opening ? 1 : character === closing ? -1 : 0;
      if (depth === 0) {
        return this.#line.slice(this.#at, end + 1);
      }
    }
    throw notClosed(`$${opening}`);
  }

  #add(text: string, consumed: number): void {
    if (!this.#isInWord) {
      this.#wordStart = this.#at;
    }
    this.#text += text;
    this.#at += consumed;
    this.#isInWord = true;
  }

  #skipTo(position: number): void {
    this.#at = position === -1 ? this.#line.length : position;
  }

  #endWord(): void {
    if (this.#isInWord) {
      this.#words.push({ text: this.#text, expansions: this.#expansions });
    }
    this.#text = '';
    this.#expansions = [];
    this.#isInWord = false;
  }
}

function notClosed(opener: string): JobletError {
  return new JobletError('invalid', {
    layer: 'app',
    operation: 'read the line',
    object: opener,
    reason: 'is opened and not closed',
    mend: 'Paste the whole line.',
  });
}
