/** Which rows of the lines that are held are on the screen. A line has one row or, when it is wrapped, several. */

export interface RowPlace {
  /** Index of the line. */
  readonly line: number;
  /** Of the line's rows. */
  readonly row: number;
}

export class Viewport {
  readonly #rowsIn: (line: number) => number;
  top: RowPlace = { line: 0, row: 0 };
  /** Rows that fit on the screen. */
  height = 1;

  constructor(rowsIn: (line: number) => number) {
    this.#rowsIn = rowsIn;
  }

  /** @param lines how many there are */
  visible(lines: number): RowPlace[] {
    const places: RowPlace[] = [];
    let { line, row } = this.top;
    while (places.length < this.height && line < lines) {
      if (row < this.#rowsIn(line)) {
        places.push({ line, row });
        row += 1;
      } else {
        [line, row] = [line + 1, 0];
      }
    }
    return places;
  }

  /** @returns by how many rows it has moved: fewer at either end */
  scroll(rows: number, lines: number): number {
    let moved = 0;
    while (moved < rows && this.#step(1, lines)) {
      moved += 1;
    }
    while (moved > rows && this.#step(-1, lines)) {
      moved -= 1;
    }
    return moved;
  }

  /** The last row stands at the bottom, or the first at the top if there are too few. */
  toEnd(lines: number): void {
    if (lines === 0) {
      this.top = { line: 0, row: 0 };
      return;
    }
    this.top = { line: lines - 1, row: Math.max(0, this.#rowsIn(lines - 1) - 1) };
    for (let row = 1; row < this.height && this.#step(-1, lines); row += 1);
  }

  /** After lines were added at the beginning, or taken away there. */
  shift(lines: number): void {
    const { line, row } = this.top;
    this.top = line + lines < 0 ? { line: 0, row: 0 } : { line: line + lines, row };
  }

  /** After the width has changed: the line that is at the top stays there. */
  rewrap(): void {
    this.top = { line: this.top.line, row: Math.min(this.top.row, this.#rowsIn(this.top.line) - 1) };
  }

  #step(rows: 1 | -1, lines: number): boolean {
    const { line, row } = this.top;
    const inLine = row + rows;
    if (inLine >= 0 && line < lines && inLine < this.#rowsIn(line)) {
      this.top = { line, row: inLine };
      return true;
    }
    const other = line + rows;
    if (other < 0 || other >= lines) {
      return false;
    }
    this.top = { line: other, row: rows > 0 ? 0 : this.#rowsIn(other) - 1 };
    return true;
  }
}
