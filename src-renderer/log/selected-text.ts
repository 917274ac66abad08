/** The text of a selection: what is on the screen is a small part of it. */
import { lineTextOf } from './line-text.ts';
import { type LogLine, LogText, linesOf, matchingLinesOf } from './log-lines.ts';
import type { Selection } from './log-selection.ts';
import type { LogSource } from './log-source.ts';
import { PLAIN } from './look.ts';

/** Of the log, and of the text: more than anybody pastes. */
export const COPIED_BYTES_MAXIMUM = 8 * 1024 * 1024;

/** @returns undefined when it is more than is copied */
export async function selectedText(
  source: LogSource,
  { from, to }: Selection,
  signal: AbortSignal,
): Promise<string | undefined> {
  let bytes = 0;
  const parts: string[] = [];
  for await (const lines of linesFrom(source, from.offset, signal)) {
    for (const line of lines) {
      if (line.offset > to.offset) {
        return parts.join('');
      }
      const isLast = line.offset === to.offset;
      const whole = lineTextOf(line.bytes, PLAIN).text;
      const start = line.offset === from.offset ? from.at : 0;
      parts.push(whole.slice(start, isLast ? to.at : whole.length), line.isEnded && !isLast ? '\n' : '');
      bytes += line.bytes.length + 1;
    }
    if (bytes > COPIED_BYTES_MAXIMUM) {
      return undefined;
    }
  }
  return parts.join('');
}

async function* linesFrom(source: LogSource, start: number, signal: AbortSignal): AsyncGenerator<LogLine[]> {
  let [from, isBegun, isEdge] = [start, true, false];
  while (!isEdge) {
    const part = await source.after(from, signal);
    const text = new LogText(part.pieces);
    const lines = source.isOfMatches
      ? matchingLinesOf(text)
      : linesOf(text, 0, isBegun, part.isEdge ? 'open' : 'left out');
    yield lines;
    const last = lines.at(-1);
    [from, isBegun] = [last?.end ?? from, last?.isEnded ?? isBegun];
    isEdge = part.isEdge || last === undefined;
  }
}
