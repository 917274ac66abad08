/** Where a text is broken into rows of so many columns, and which letter stands in which of them. */

/** A part of a text, in UTF-16 units. */
export interface TextRow {
  readonly start: number;
  readonly end: number;
}

export const TAB_COLUMNS = 8;
const ASCII = /^[\x20-\x7e]*$/;
const WIDE =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\u3000-\u303f\uff01-\uff60\uffe0-\uffe6]/u;
const WIDTHLESS = /^[\p{M}\p{Cf}]+$/u;
const letters = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** @param columns undefined: the text is one row */
export function rowsOf(text: string, columns: number | undefined): readonly TextRow[] {
  if (columns === undefined || text.length === 0) {
    return [{ start: 0, end: text.length }];
  }
  if (ASCII.test(text)) {
    const count = Math.ceil(text.length / columns);
    return Array.from({ length: count }, (_, row) => ({
      start: row * columns,
      end: Math.min(text.length, (row + 1) * columns),
    }));
  }
  const rows: TextRow[] = [];
  let [start, column] = [0, 0];
  for (const { index, width } of cellsOf(text, () => column)) {
    if (column > 0 && column + width > columns) {
      rows.push({ start, end: index });
      [start, column] = [index, 0];
    }
    column += width;
  }
  return [...rows, { start, end: text.length }];
}

/** The letter that is nearest to a column, counted from the row's first. */
export function letterAt(text: string, { start, end }: TextRow, column: number): number {
  const row = text.slice(start, end);
  let at = 0;
  for (const { index, width } of cellsOf(row, () => at)) {
    if (column < at + width / 2) {
      return start + index;
    }
    at += width;
  }
  return end;
}

/** @param columnOf the column that the letter would stand in: tabs go on from there */
function* cellsOf(
  text: string,
  columnOf: () => number,
): Generator<{ readonly index: number; readonly width: number }> {
  if (ASCII.test(text)) {
    for (let index = 0; index < text.length; index += 1) {
      yield { index, width: 1 };
    }
    return;
  }
  for (const { segment, index } of letters.segment(text)) {
    const width =
      segment === '\t'
        ? TAB_COLUMNS - (columnOf() % TAB_COLUMNS)
        : WIDTHLESS.test(segment)
          ? 0
          : WIDE.test(segment)
            ? 2
            : 1;
    yield { index, width };
  }
}
