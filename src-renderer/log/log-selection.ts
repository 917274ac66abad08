/** What is selected, by places in the log and not on the screen: it stays what it is when the lines are not on it any more. */
import type { LineText } from './line-text.ts';
import type { LogLine } from './log-lines.ts';
import type { Mark } from './row-spans.ts';

export interface Caret {
  /** Of the line's first byte. */
  readonly offset: number;
  /** UTF-16 units in the line's text. */
  readonly at: number;
}

export interface Selection {
  readonly from: Caret;
  readonly to: Caret;
}

/** From one to the other, whichever comes first. */
export function selectionOf(one: Caret, other: Caret): Selection {
  const isForward = one.offset < other.offset || (one.offset === other.offset && one.at <= other.at);
  return isForward ? { from: one, to: other } : { from: other, to: one };
}

export function isEmpty({ from, to }: Selection): boolean {
  return from.offset === to.offset && from.at === to.at;
}

/** What of a line is selected. */
export function markOf({ offset }: LogLine, { text }: LineText, { from, to }: Selection): Mark | undefined {
  if (offset < from.offset || offset > to.offset) {
    return undefined;
  }
  const start = offset === from.offset ? from.at : 0;
  const end = offset === to.offset ? to.at : text.length;
  return { start, end };
}

/** The word around a letter, or the letter itself. */
export function wordAround({ text }: LineText, at: number): Mark {
  const isWord = (index: number) => /[\p{L}\p{N}_]/u.test(text[index] ?? '');
  let [start, end] = [at, at];
  while (isWord(start - 1)) {
    start -= 1;
  }
  while (isWord(end)) {
    end += 1;
  }
  return start === end ? { start, end: Math.min(text.length, at + 1) } : { start, end };
}
