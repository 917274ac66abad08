/** Short news in a corner: what was done, or could not be. */
import type { Failure } from '../../src-main/ipc/contract.ts';
import { failureText } from '../state/failure-text.ts';

/** Long enough to read two lines, ms. What went wrong stays until it is put away. */
const SHOWN_MS = 5000;

export interface Toast {
  readonly id: number;
  readonly tone: 'good' | 'bad';
  readonly title: string;
  readonly text: string;
}

class Toasts {
  list = $state.raw<readonly Toast[]>([]);
  #lastId = 0;

  tell(title: string, text = ''): void {
    const { id } = this.#add('good', title, text);
    setTimeout(() => this.dismiss(id), SHOWN_MS);
  }

  /** What the main process could not do. */
  fail(title: string, failure: Failure): void {
    this.#add('bad', title, failureText(failure));
  }

  /** What can't be done as it was asked for. */
  warn(title: string, text: string): void {
    this.#add('bad', title, text);
  }

  dismiss(id: number): void {
    this.list = this.list.filter((toast) => toast.id !== id);
  }

  dismissAll(): void {
    this.list = [];
  }

  /** What is told again is not told twice. */
  #add(tone: Toast['tone'], title: string, text: string): Toast {
    this.#lastId += 1;
    const toast = { id: this.#lastId, tone, title, text };
    const others = this.list.filter((each) => each.title !== title || each.text !== text);
    this.list = [...others.slice(-4), toast];
    return toast;
  }
}

export const toasts = new Toasts();
