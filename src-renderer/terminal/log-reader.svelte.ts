/** Feeds a screen from the log of a job, no faster than the screen takes it. */
import type { Failure, LogItem, StreamPayload } from '../../src-main/ipc/contract.ts';
import { RequestFailed, stream } from '../ipc/client.ts';
import { text } from '../text.ts';
import type { LogScreen } from './log-screen.ts';
import { TwoStreams } from './two-streams.ts';

const TAIL_BYTES = 1024 * 1024;
/** Rows read ahead of a person who reads further up: far fewer than are kept, so what is read does not go away. */
const ROWS_AHEAD = 5000;

export type Filter = StreamPayload<'log'>['stream'];
type Beginning = 'tail' | 'start';

export class LogReader {
  /** Whether the end has been read. */
  isEnded = $state(false);
  /** The helper is away; the log goes on where it was. */
  isInterrupted = $state(false);
  wasInterrupted = $state(false);
  failure = $state.raw<Failure | undefined>(undefined);
  isPaused = $state(false);
  isFollowing = $state(true);
  /** Bytes before the first one shown. */
  earlierBytes = $state(0);
  hasOutput = $state(false);
  filter = $state<Filter>('both');
  readonly #uuid: string;
  readonly #screen: LogScreen;
  #beginning: Beginning = 'tail';
  #open = new AbortController();
  #reading: Promise<void> = Promise.resolve();
  #wake = () => {};
  /** Whether a view that opens at the start has been put there. */
  #isPlaced = false;

  constructor(uuid: string, screen: LogScreen) {
    this.#uuid = uuid;
    this.#screen = screen;
  }

  /** From near the end, as usual. */
  openAtEnd(): void {
    this.#start('tail');
  }

  /** From the first byte, and no further than it is read. */
  openAtStart(): void {
    this.#start('start');
  }

  setFilter(filter: Filter): void {
    this.filter = filter;
    this.#start(this.#beginning);
  }

  close(): void {
    this.#open.abort();
    this.#wake();
  }

  /** Reads no further; the log goes on in the helper. */
  pause(): void {
    this.isPaused = true;
    this.isFollowing = false;
  }

  follow(): void {
    this.isPaused = false;
    if (this.#beginning === 'start' && !this.isEnded) {
      this.openAtEnd();
      return;
    }
    this.#screen.scrollToBottom();
    this.looked();
  }

  /** The view has moved. */
  looked(): void {
    this.isFollowing = !this.isPaused && this.#screen.isAtBottom;
    this.#wake();
  }

  #start(beginning: Beginning): void {
    this.close();
    this.#open = new AbortController();
    this.#beginning = beginning;
    this.#isPlaced = false;
    Object.assign(this, {
      isEnded: false,
      isInterrupted: false,
      wasInterrupted: false,
      failure: undefined,
      isPaused: false,
      isFollowing: beginning === 'tail',
      earlierBytes: 0,
      hasOutput: false,
    });
    this.#reading = this.#readAfter(this.#reading, this.#open.signal);
  }

  /** What is being written for an earlier view would stand on the cleared screen. */
  async #readAfter(earlier: Promise<void>, signal: AbortSignal): Promise<void> {
    await Promise.allSettled([earlier]);
    if (!signal.aborted) {
      this.#screen.clear();
      await this.#read(signal);
    }
  }

  async #read(signal: AbortSignal): Promise<void> {
    const request = {
      uuid: this.#uuid,
      from: this.#beginning === 'tail' ? { tailBytes: TAIL_BYTES } : { offset: 0 },
      stream: this.filter,
      maySkip: this.#beginning === 'tail',
    };
    const streams = new TwoStreams();
    try {
      for await (const item of stream('log', request, signal)) {
        await this.#show(item, streams, signal);
        await this.#roomFor(signal);
      }
      if (!signal.aborted) {
        await this.#screen.write(streams.end(), null, signal);
        this.isEnded = !signal.aborted;
      }
    } catch (error) {
      if (signal.aborted) {
        return;
      }
      if (!(error instanceof RequestFailed)) {
        throw error;
      }
      this.failure = error.failure;
    }
  }

  async #show(item: LogItem, streams: TwoStreams, signal: AbortSignal): Promise<void> {
    if (signal.aborted) {
      return;
    }
    switch (item.kind) {
      case 'data': {
        this.hasOutput = true;
        await this.#screen.write(streams.push(item.stream, item.data), item, signal);
        break;
      }
      case 'skipped':
        if (item.from === 0) {
          this.earlierBytes = item.to;
        }
        await this.#screen.write(streams.end(), null, signal);
        await this.#screen.writeRemark(text.terminal.skipped(item.to - item.from), signal);
        break;
      case 'note':
        await this.#screen.write(streams.end(), null, signal);
        await this.#screen.writeRemark(item.text, signal);
        break;
      case 'interrupted':
        this.isInterrupted = true;
        break;
      case 'resumed':
        this.isInterrupted = false;
        this.wasInterrupted = true;
        break;
    }
  }

  /** A view that opens at the start stays there; one that is read, or held, waits. */
  async #roomFor(signal: AbortSignal): Promise<void> {
    if (signal.aborted) {
      return;
    }
    if (this.#beginning === 'start' && !this.#isPlaced && this.#screen.hasScrollback) {
      this.#isPlaced = true;
      this.#screen.scrollToTop();
    }
    while (!signal.aborted && (this.isPaused || this.#screen.rowsBelow > ROWS_AHEAD)) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
