/** When each line of a screen came, and of which stream. Lines are numbered from 0, in the order in which they came. */
import type { StreamName } from './two-streams.ts';

export interface LineNote {
  /** Microseconds since the epoch. */
  readonly timeUs: number;
  readonly stream: StreamName | 'both';
}

interface Run {
  /** The first line that it is true of; it is so until the next run. */
  readonly line: number;
  /** null: a line of the view's own. */
  readonly note: LineNote | null;
}

export class LineNotes {
  #runs: Run[] = [];

  /** From this line on, until something else is said; what was said of later lines is forgotten. */
  set(line: number, note: LineNote | null): void {
    while ((this.#runs.at(-1)?.line ?? -1) >= line) {
      this.#runs.pop();
    }
    const last = this.#runs.at(-1);
    if (last === undefined || last.note?.timeUs !== note?.timeUs || last.note?.stream !== note?.stream) {
      this.#runs.push({ line, note });
    }
  }

  of(line: number): LineNote | null {
    const index = this.#indexOf(line);
    return this.#runs[index]?.note ?? null;
  }

  /** Lines before this one are not asked about any more. */
  forgetBefore(line: number): void {
    const index = this.#indexOf(line);
    // Now and then, so that it costs nothing a line.
    if (index > 1000) {
      this.#runs = this.#runs.slice(index);
    }
  }

  /** Of the last run that begins at or before the line; -1: there is none. */
  #indexOf(line: number): number {
    let low = 0;
    let high = this.#runs.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#runs[middle] as Run).line <= line) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low - 1;
  }
}
