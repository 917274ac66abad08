/** A row of a line as the spans that are drawn: letters that look alike, links, matches and what is selected. */

import type { LineText } from './line-text.ts';
import { type Look, PLAIN } from './look.ts';
import type { TextRow } from './text-rows.ts';

export interface Span {
  readonly text: string;
  readonly look: Look;
  readonly isMatch: boolean;
  readonly isSelected: boolean;
}

/** In UTF-16 units of the line's text. */
export interface Mark {
  readonly start: number;
  readonly end: number;
}

const ADDRESS = /https?:\/\/[^\s"'<>`\\^{}|]{1,2000}/gu;
/** What ends a sentence or closes a bracket around an address. */
const TRAILING = /[.,;:!?)\]]+$/;

export function spansOf(
  { text, runs }: LineText,
  { start, end }: TextRow,
  matches: readonly Mark[],
  selected: Mark | undefined,
): readonly Span[] {
  const links = addressesIn(text);
  const selection = selected === undefined ? [] : [selected];
  const edges = [...links, ...matches, ...selection].flatMap((mark) => [mark.start, mark.end]);
  const cuts = [...new Set([start, end, ...runs.map((run) => run.start), ...edges])]
    .filter((cut) => cut >= start && cut <= end)
    .sort((one, other) => one - other);
  return cuts.slice(0, -1).map((from, number) => {
    const look = runs.findLast((run) => run.start <= from)?.look ?? PLAIN;
    const link = links.find((mark) => covers(mark, from));
    return {
      text: text.slice(from, cuts[number + 1]),
      look: link === undefined || look.address !== undefined ? look : { ...look, address: link.address },
      isMatch: matches.some((mark) => covers(mark, from)),
      isSelected: selection.some((mark) => covers(mark, from)),
    };
  });
}

/** Where a text stands in a line. */
export function marksOf(line: string, { text, ignoreCase }: { text: string; ignoreCase: boolean }): Mark[] {
  const [where, what] = ignoreCase ? [line.toLowerCase(), text.toLowerCase()] : [line, text];
  const marks: Mark[] = [];
  // Of some letters the small one is longer: what is found would not be what is marked.
  const isAlike = where.length === line.length;
  for (let at = where.indexOf(what); isAlike && at >= 0; at = where.indexOf(what, at + what.length)) {
    marks.push({ start: at, end: at + what.length });
  }
  return marks;
}

function covers({ start, end }: Mark, at: number): boolean {
  return start <= at && at < end;
}

function addressesIn(text: string): (Mark & { readonly address: string })[] {
  if (!text.includes('://')) {
    return [];
  }
  return [...text.matchAll(ADDRESS)].map(({ 0: found, index }) => {
    const address = found.replace(TRAILING, '');
    return { start: index, end: index + address.length, address };
  });
}
