/** Addresses of the web in plain text. Nothing is opened but by a click, and then the main process asks. */
import type { ILink, Terminal } from '@xterm/xterm';

const ADDRESS = /https?:\/\/[^\s"'<>`\\^{}|]{1,2000}/gu;
/** What ends a sentence or closes a bracket around an address. */
const TRAILING = /[.,;:!?)\]]+$/;
/** Rows of one line that are looked through: an address is no longer. */
const ROWS_MAXIMUM = 20;

/** @param bufferRow counted from 1, as xterm does */
export function addressesIn(
  terminal: Terminal,
  bufferRow: number,
  open: (address: string) => void,
): ILink[] | undefined {
  const buffer = terminal.buffer.active;
  const row = bufferRow - 1;
  let first = row;
  while (first > row - ROWS_MAXIMUM && buffer.getLine(first)?.isWrapped) {
    first -= 1;
  }
  let last = row;
  while (last < row + ROWS_MAXIMUM && buffer.getLine(last + 1)?.isWrapped) {
    last += 1;
  }
  const { text, positions } = lineOf(terminal, first, last);
  const links = [...text.matchAll(ADDRESS)].map(({ 0: found, index }): ILink => {
    const address = found.replace(TRAILING, '');
    return {
      text: address,
      range: {
        start: positions[index] as Position,
        end: positions[index + address.length - 1] as Position,
      },
      activate: (_event, clicked) => open(clicked),
    };
  });
  return links.length === 0 ? undefined : links;
}

interface Position {
  readonly x: number;
  readonly y: number;
}

/** Where each UTF-16 unit of the text stands: a wide letter takes two cells, and a cell may hold several units. */
function lineOf(terminal: Terminal, first: number, last: number) {
  const positions: Position[] = [];
  let text = '';
  for (let row = first; row <= last; row += 1) {
    const line = terminal.buffer.active.getLine(row);
    for (let x = 0; x < terminal.cols; x += 1) {
      const cell = line?.getCell(x);
      if (cell === undefined || cell.getWidth() === 0) {
        continue;
      }
      const characters = cell.getChars() || ' ';
      text += characters;
      for (let unit = 0; unit < characters.length; unit += 1) {
        positions.push({ x: x + 1, y: row + 1 });
      }
    }
  }
  return { text, positions };
}
