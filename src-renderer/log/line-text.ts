/** What a terminal would show of a line once all of it is written: letters and how they look. */
import { OutputFilter } from '../terminal/output-filter.ts';
import { type Look, PLAIN, withSgr } from './look.ts';

/** Letters that look alike, up to the next run. */
export interface Run {
  /** UTF-16 units from the beginning of the text. */
  readonly start: number;
  readonly look: Look;
}

export interface LineText {
  readonly text: string;
  readonly runs: readonly Run[];
  /** How the next line of the stream begins. */
  readonly after: Look;
}

/** A move may go so far to the right of what is written. */
const COLUMNS_MAXIMUM = 10_000;
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const PRINTABLE = /^[\t\x20-\x7e]*$/;
/** All that OutputFilter lets through beside letters. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const CONTROL = /\x1b\[([0-9;:]*)([A-GJKm])|\x1b\]8;;([^\x1b]*)\x1b\\|[\r\b]/g;

/** @param before how the stream looked at the end of the line before */
export function lineTextOf(bytes: Uint8Array, before: Look): LineText {
  const plain = decoder.decode(bytes);
  if (PRINTABLE.test(plain)) {
    return { text: plain, runs: [{ start: 0, look: before }], after: before };
  }
  const filter = new OutputFilter({ showsControls: true });
  return written(filter.push(bytes) + filter.end(), before);
}

function written(filtered: string, before: Look): LineText {
  const page = new WrittenLine(before);
  let at = 0;
  for (const match of filtered.matchAll(CONTROL)) {
    page.write(filtered.slice(at, match.index));
    at = match.index + match[0].length;
    const [whole, parameters = '', final, address] = match;
    if (final === 'm') {
      page.look = withSgr(page.look, parameters);
    } else if (address !== undefined) {
      const { address: _, ...look } = page.look;
      page.look = address === '' ? look : { ...look, address };
    } else {
      page.move(final ?? whole, parameters);
    }
  }
  page.write(filtered.slice(at));
  return page.text;
}

/** A line that can be written over. Only its letters beyond the first move are held one by one. */
class WrittenLine {
  look: Look;
  readonly #letters: string[] = [];
  readonly #looks: Look[] = [];
  #cursor = 0;

  constructor(look: Look) {
    this.look = look;
  }

  write(text: string): void {
    for (const letter of text) {
      this.#put(letter);
    }
  }

  /** @param final of a sequence, or a control character */
  move(final: string, parameters: string): void {
    const number = Number(parameters.split(';')[0]) || 0;
    const steps = Math.max(1, number);
    switch (final) {
      case '\r':
        this.#cursor = 0;
        break;
      case '\b':
      case 'D':
        this.#cursor = Math.max(0, this.#cursor - (final === 'D' ? steps : 1));
        break;
      case 'C':
        this.#cursor = Math.min(COLUMNS_MAXIMUM, this.#cursor + steps);
        break;
      case 'G':
        this.#cursor = Math.min(COLUMNS_MAXIMUM, steps - 1);
        break;
      case 'J':
      case 'K':
        this.#erase(number);
        break;
    }
  }

  get text(): LineText {
    const runs: Run[] = [];
    let [text, last]: [string, Look | undefined] = ['', undefined];
    for (let at = 0; at < this.#letters.length; at += 1) {
      const look = this.#looks[at] as Look;
      if (look !== last) {
        runs.push({ start: text.length, look });
        last = look;
      }
      text += this.#letters[at];
    }
    return { text, runs: runs.length === 0 ? [{ start: 0, look: PLAIN }] : runs, after: this.look };
  }

  #put(letter: string): void {
    while (this.#letters.length < this.#cursor) {
      this.#letters.push(' ');
      this.#looks.push(PLAIN);
    }
    this.#letters[this.#cursor] = letter;
    this.#looks[this.#cursor] = this.look;
    this.#cursor += 1;
  }

  /** @param part 0: from here on, 1: up to here, 2: all */
  #erase(part: number): void {
    if (part === 0 || part === 2) {
      const from = part === 2 ? 0 : this.#cursor;
      this.#letters.length = Math.min(this.#letters.length, from);
      this.#looks.length = this.#letters.length;
    }
    for (let at = 0; part === 1 && at < Math.min(this.#cursor + 1, this.#letters.length); at += 1) {
      this.#letters[at] = ' ';
      this.#looks[at] = PLAIN;
    }
  }
}
