/**
 * From the bytes of one stream to text that a terminal may be given. What passes is what is read: text, line ends, tabs, colours,
 * links to the web, and moves that progress bars are made of. All else that a terminal can be told never reaches one: clipboard,
 * title, queries, modes, other screens, clearing. A move can write over what stands on the screen, as progress bars do; what has
 * been scrolled away, and all that comes after, is shown.
 */
import { TextStyle } from './text-style.ts';

/** ECMA-48 sets no bound. One that is longer is no sequence that anybody means. */
const SEQUENCE_MAXIMUM = 128;
/** Of OSC, DCS, APC, PM and SOS: an address may be long. One that does not end would swallow all that follows. */
const STRING_MAXIMUM = 4096;
/** More marks on one letter than any script has, and a cell of the terminal holds them all. */
const MARKS_MAXIMUM = 8;

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const SPECIAL = /[\x00-\x08\x0b-\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
const MARK = /[\p{M}\u200b-\u200d\u2060]/u;
const NUMBERS = /^[0-9;:]*$/;
/** Cursor up, down, forward, back, next and previous line, column; erase in line. They stay within what the screen shows. */
const MOVES = 'ABCDEFGK';

type State = 'text' | 'escape' | 'sequence' | 'string' | 'string-escape';

const CAN = '\x18';
const SUB = '\x1a';
const ESC = '\x1b';

/** What begins something else than text: after ESC, and as one character of C1. */
const INTRODUCERS: Readonly<Record<string, State>> = {
  '[': 'sequence',
  '\x9b': 'sequence',
  ']': 'string',
  '\x9d': 'string',
  P: 'string',
  '\x90': 'string',
  X: 'string',
  '\x98': 'string',
  '^': 'string',
  '\x9e': 'string',
  _: 'string',
  '\x9f': 'string',
};

export class OutputFilter {
  readonly style = new TextStyle();
  /** Whether control characters that mean nothing here are seen, as U+2400 and on; else they are left out. */
  readonly #showsControls: boolean;
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  #state: State = 'text';
  /** What has come of a sequence or string that is not whole yet. */
  #held = '';
  #isOsc = false;
  #marks = 0;

  constructor({ showsControls = false } = {}) {
    this.#showsControls = showsControls;
  }

  /** Whatever the pieces are in which the same bytes come, what is returned is the same when it is put together. */
  push(bytes: Uint8Array): string {
    return this.#pass(this.#decoder.decode(bytes, { stream: true }));
  }

  /** Of a stream that has ended: the letter that is not whole. */
  end(): string {
    return this.#pass(this.#decoder.decode());
  }

  #pass(text: string): string {
    let passed = '';
    for (let at = 0; at < text.length; ) {
      if (this.#state === 'text') {
        SPECIAL.lastIndex = at;
        const end = SPECIAL.exec(text)?.index ?? text.length;
        passed += this.#boundMarks(text.slice(at, end));
        at = end;
        if (at === text.length) {
          break;
        }
      }
      passed += this.#take(text[at] as string);
      at += 1;
    }
    return passed;
  }

  #take(character: string): string {
    switch (this.#state) {
      case 'text':
        return this.#takeSpecial(character);
      case 'escape':
        return this.#takeEscape(character);
      case 'sequence':
        return this.#takeSequence(character);
      case 'string':
        return this.#takeString(character);
      case 'string-escape':
        return this.#takeStringEscape(character);
    }
  }

  #takeSpecial(character: string): string {
    if (character === ESC) {
      this.#begin('escape');
      return '';
    }
    const begun = character >= '\x80' ? INTRODUCERS[character] : undefined;
    if (begun !== undefined) {
      this.#begin(begun, character === '\x9d');
      return '';
    }
    if (character === '\b') {
      return character;
    }
    if (this.#showsControls && character <= '\x85') {
      return pictureOf(character);
    }
    if (character === '\x0b' || character === '\x0c' || character === '\x85') {
      return '\n';
    }
    // Marks that turn the direction of text would show another line than there is.
    return character > '\x9f' ? '\ufffd' : '';
  }

  #takeEscape(character: string): string {
    const begun = INTRODUCERS[character];
    if (begun !== undefined && character < '\x80') {
      this.#begin(begun, character === ']');
      return '';
    }
    if (character === ESC || (character >= ' ' && character <= '/')) {
      return '';
    }
    this.#state = 'text';
    return character >= '0' && character <= '~' ? '' : this.#pass(character);
  }

  #takeSequence(character: string): string {
    if (character >= '@' && character <= '~') {
      this.#state = 'text';
      return this.#held.length > SEQUENCE_MAXIMUM ? '' : this.#sequence(this.#held, character);
    }
    if (character >= ' ' && character <= '?') {
      if (this.#held.length <= SEQUENCE_MAXIMUM) {
        this.#held += character;
      }
      return '';
    }
    if (character === '\n' || character === '\r' || character === '\t' || character === '\b') {
      return character;
    }
    this.#state = 'text';
    return character === CAN || character === SUB ? '' : this.#pass(character);
  }

  #sequence(parameters: string, final: string): string {
    if (!NUMBERS.test(parameters)) {
      return '';
    }
    if (final === 'm') {
      return this.style.applySgr(parameters);
    }
    const isMove = MOVES.includes(final) && /^\d{0,4}$/.test(parameters);
    const isEraseBelow = final === 'J' && /^0?$/.test(parameters);
    return isMove || isEraseBelow ? `${ESC}[${parameters}${final}` : '';
  }

  #takeString(character: string): string {
    if (character === ESC) {
      this.#state = 'string-escape';
      return '';
    }
    if (character === '\x9c' || (character === '\x07' && this.#isOsc)) {
      return this.#endString();
    }
    if (character === CAN || character === SUB) {
      this.#state = 'text';
      return '';
    }
    // A string that holds the end of a line, or too much, was none: what follows is shown.
    if (character === '\n' || this.#held.length >= STRING_MAXIMUM) {
      this.#state = 'text';
      return this.#pass(character);
    }
    this.#held += character;
    return '';
  }

  #takeStringEscape(character: string): string {
    if (character === '\\') {
      return this.#endString();
    }
    this.#begin('escape');
    return this.#takeEscape(character);
  }

  #endString(): string {
    this.#state = 'text';
    return this.#isOsc && this.#held.startsWith('8;') ? this.style.applyLink(this.#held.slice(2)) : '';
  }

  #begin(state: State, isOsc = false): void {
    this.#state = state;
    this.#held = '';
    this.#isOsc = isOsc;
  }

  #boundMarks(text: string): string {
    if (text === '') {
      return text;
    }
    if (!MARK.test(text)) {
      this.#marks = 0;
      return text;
    }
    let bounded = '';
    for (const letter of text) {
      this.#marks = MARK.test(letter) ? this.#marks + 1 : 0;
      if (this.#marks <= MARKS_MAXIMUM) {
        bounded += letter;
      }
    }
    return bounded;
  }
}

/** Unicode has one for each of C0 and for DEL; of C1 only the next line has a picture. */
function pictureOf(control: string): string {
  if (control === '\x7f') {
    return '\u2421';
  }
  return control > '\x7f'
    ? control === '\x85'
      ? '\u2424'
      : '\ufffd'
    : String.fromCharCode(0x2400 + control.charCodeAt(0));
}
