/** Columns padded to their widest cell and kept apart by two spaces; the last one is never padded. */
import { type Paint, unpainted } from './colour.ts';
import { escapeControlCharacters } from './escape.ts';

/** A header, a row of dashes, then the rows. Cells are escaped, so a row is always one line. */
export function table(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  paint: Paint = unpainted,
): string {
  const cells = rows.map((row) => row.map(escapeControlCharacters));
  const widths = header.map((title, column) =>
    Math.max(title.length, ...cells.map((row) => (row[column] ?? '').length)),
  );
  const dashes = widths.map((width) => '-'.repeat(width));
  const lines = [
    padded(header, widths),
    padded(dashes, widths),
    ...cells.map((row) =>
      padded(row, widths).map((cell, column) => (column === row.length - 1 ? cell : paint(cell))),
    ),
  ];
  return lines.map((line) => `${line.join('  ').trimEnd()}\n`).join('');
}

function padded(row: readonly string[], widths: readonly number[]): string[] {
  return row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)));
}
