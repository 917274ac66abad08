/** The texts of lines, as they are looked at: a colour that a line has not taken back goes on in the next of its stream. */
import { type LineText, lineTextOf } from './line-text.ts';
import type { LogLine } from './log-lines.ts';
import { type Look, PLAIN } from './look.ts';

const ESC = 0x1b;
/** So far back it is looked for what a line begins with. */
const LINES_BACK = 200;

export class LinePainter {
  readonly #texts = new WeakMap<LogLine, LineText>();

  textOf(lines: readonly LogLine[], index: number): LineText {
    const line = lines[index] as LogLine;
    const known = this.#texts.get(line);
    if (known !== undefined) {
      return known;
    }
    const text = lineTextOf(line.bytes, this.#lookBefore(lines, index));
    this.#texts.set(line, text);
    return text;
  }

  #lookBefore(lines: readonly LogLine[], index: number): Look {
    const first = Math.max(0, index - LINES_BACK);
    const coloured: number[] = [];
    let look = PLAIN;
    for (let at = index - 1; at >= first; at -= 1) {
      const line = lines[at] as LogLine;
      const known = this.#texts.get(line);
      if (line.stream !== lines[index]?.stream) {
        continue;
      }
      if (known !== undefined) {
        look = known.after;
        break;
      }
      if (line.bytes.includes(ESC)) {
        coloured.push(at);
      }
    }
    for (const at of coloured.reverse()) {
      look = lineTextOf((lines[at] as LogLine).bytes, look).after;
    }
    return look;
  }
}
