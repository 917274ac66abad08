/** The lines that were sent, which the arrow keys bring back, as a shell does. */

const MOST = 100;

export class SentLines {
  #lines: readonly string[] = [];
  /** Of the line that is shown; their number: the one that is being written. */
  #at = 0;
  #draft = '';

  add(line: string): void {
    if (line !== '' && line !== this.#lines.at(-1)) {
      this.#lines = [...this.#lines, line].slice(-MOST);
    }
    this.#at = this.#lines.length;
    this.#draft = '';
  }

  /**
   * @param steps -1: the one before, 1: the one after
   * @param shown what stands in the line now
   */
  move(steps: -1 | 1, shown: string): string {
    const target = this.#at + steps;
    if (target < 0 || target > this.#lines.length) {
      return shown;
    }
    if (this.#at === this.#lines.length) {
      this.#draft = shown;
    }
    this.#at = target;
    return this.#lines[target] ?? this.#draft;
  }
}
