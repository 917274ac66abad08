/** Ctrl-P Ctrl-Q leaves a terminal alone, as in docker. A Ctrl-P waits for the key after it, since it may be the first half. */

const CTRL_P = 0x10;
const CTRL_Q = 0x11;

export interface Typed {
  /** What goes to the job. */
  readonly bytes: Buffer;
  /** Whether both keys have come; what was typed after them is dropped. */
  readonly isDetached: boolean;
}

export class DetachKeys {
  #isHalf = false;

  push(typed: Buffer): Typed {
    const passed: number[] = [];
    for (const byte of typed) {
      if (this.#isHalf && byte === CTRL_Q) {
        return { bytes: Buffer.from(passed), isDetached: true };
      }
      if (this.#isHalf) {
        passed.push(CTRL_P);
      }
      this.#isHalf = byte === CTRL_P;
      if (!this.#isHalf) {
        passed.push(byte);
      }
    }
    return { bytes: Buffer.from(passed), isDetached: false };
  }
}
