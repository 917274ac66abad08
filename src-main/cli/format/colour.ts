/** Colour for the few words whose meaning it carries. It never is the only sign of anything. */
import { styleText } from 'node:util';
import type { Sink } from '../output.ts';

/** Colours a padded cell of a table, or leaves it as it is. */
export type Paint = (cell: string) => string;

type Colour = Extract<Parameters<typeof styleText>[0], string>;

const COLOURS: Readonly<Record<string, Colour>> = {
  RUNNING: 'blue',
  COMPLETED: 'green',
  FAILED: 'red',
  TIMEOUT: 'red',
  LOST: 'red',
  MISSING: 'red',
  ok: 'green',
};

export const unpainted: Paint = (cell) => cell;

export function paintFor({ hasColour }: Pick<Sink, 'hasColour'>): Paint {
  return hasColour ? painted : unpainted;
}

function painted(cell: string): string {
  const word = cell.trimEnd();
  const colour = Object.hasOwn(COLOURS, word) ? COLOURS[word] : undefined;
  return colour === undefined ? cell : styleText(colour, cell, { validateStream: false });
}
