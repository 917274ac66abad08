/** Begins jobs whose time has come: one timer for all of them, however many there are. */
import type { DueJob } from '../state/job-store.ts';

/**
 * Times are those of the clock on the wall, which people set and which goes on while the machine sleeps; the clock of timers does
 * neither. So it is looked at again at least so often while a job waits, and a job is late by no more after either. It keeps the
 * timer below its bound of 24.8 days as well.
 */
const LOOK_AGAIN_MS = 10_000;
/** Begun together, with one commit. */
const DUE_AT_ONCE = 1000;

export interface ScheduleOptions {
  /** The jobs that wait for a time, the first to be started first, at most `limit`. */
  readonly next: (limit: number) => readonly DueJob[];
  /** Begins one whose time has come: then it is no longer among the next. Must not reject. */
  readonly begin: (uuid: string) => Promise<void>;
}

export class Schedule implements Disposable {
  readonly #options: ScheduleOptions;
  #timer: NodeJS.Timeout | undefined;
  #isBeginning = false;
  #isOpen = false;

  constructor(options: ScheduleOptions) {
    this.#options = options;
  }

  /** Until then nothing is begun. */
  open(): void {
    this.#isOpen = true;
    this.look();
  }

  /** Call it when a job has begun to wait, or waits no longer. */
  look(): void {
    if (this.#isBeginning || !this.#isOpen) {
      return;
    }
    clearTimeout(this.#timer);
    const nowUs = Date.now() * 1000;
    const jobs = this.#options.next(DUE_AT_ONCE);
    const due = jobs.filter(({ dueUs }) => dueUs <= nowUs);
    if (due.length > 0) {
      void this.#begin(due);
    } else if (jobs[0] !== undefined) {
      const waitMs = Math.ceil((jobs[0].dueUs - nowUs) / 1000);
      this.#timer = setTimeout(() => this.look(), Math.min(waitMs, LOOK_AGAIN_MS));
    }
  }

  async #begin(due: readonly DueJob[]): Promise<void> {
    this.#isBeginning = true;
    await Promise.all(due.map(({ uuid }) => this.#options.begin(uuid)));
    this.#isBeginning = false;
    this.look();
  }

  [Symbol.dispose](): void {
    this.#isOpen = false;
    clearTimeout(this.#timer);
  }
}
