/** The rows of lines at the present width. What is known of a line is kept as long as the line is held. */
import { LinePainter } from './line-painter.ts';
import type { LineText } from './line-text.ts';
import type { LogLine } from './log-lines.ts';
import { rowsOf, type TextRow } from './text-rows.ts';
import type { RowPlace } from './viewport.ts';

/** Without wrapping; what is longer goes on in the next row. */
const UNWRAPPED_COLUMNS = 4096;

export interface VisibleRow {
  readonly line: LogLine;
  readonly text: LineText;
  readonly part: TextRow;
  /** Whether the line, or the part of one that is long, begins here. */
  readonly isFirst: boolean;
}

export class LineLayout {
  columns = 80;
  isWrapping = true;
  readonly #painter = new LinePainter();
  readonly #rows = new WeakMap<LogLine, { readonly columns: number; readonly rows: readonly TextRow[] }>();

  rowsOf(lines: readonly LogLine[], index: number): readonly TextRow[] {
    const line = lines[index] as LogLine;
    const columns = this.isWrapping ? this.columns : UNWRAPPED_COLUMNS;
    const known = this.#rows.get(line);
    if (known?.columns === columns) {
      return known.rows;
    }
    const rows = rowsOf(this.#painter.textOf(lines, index).text, columns);
    this.#rows.set(line, { columns, rows });
    return rows;
  }

  rowAt(lines: readonly LogLine[], { line, row }: RowPlace): VisibleRow {
    return {
      line: lines[line] as LogLine,
      text: this.#painter.textOf(lines, line),
      part: this.rowsOf(lines, line)[row] as TextRow,
      isFirst: row === 0,
    };
  }
}
