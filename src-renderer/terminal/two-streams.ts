/** stdout and stderr on one screen: what one of them has begun (a letter, a sequence, a colour) is not the other's. */
import type { LogItem } from '../../src-main/ipc/contract.ts';
import { OutputFilter } from './output-filter.ts';

export type StreamName = Extract<LogItem, { kind: 'data' }>['stream'];

export class TwoStreams {
  #filters: Record<StreamName, OutputFilter>;
  #last: StreamName = 'stdout';

  constructor() {
    this.#filters = { stdout: new OutputFilter(), stderr: new OutputFilter() };
  }

  push(stream: StreamName, bytes: Uint8Array): string {
    if (bytes.length === 0) {
      return '';
    }
    const filter = this.#filters[stream];
    const turn = stream === this.#last ? '' : filter.style.restoring;
    this.#last = stream;
    return turn + filter.push(bytes);
  }

  /** @returns what is left of letters that are not whole, and the way back to plain text. */
  end(): string {
    const rest = (['stdout', 'stderr'] as const).map((stream) => {
      const text = this.#filters[stream].end();
      return text === '' ? '' : this.#filters[stream].style.restoring + text;
    });
    this.#filters = { stdout: new OutputFilter(), stderr: new OutputFilter() };
    this.#last = 'stdout';
    return `${rest.join('')}${this.#filters.stdout.style.restoring}`;
  }
}
