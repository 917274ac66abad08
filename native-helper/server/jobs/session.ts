/** The helper's end of one session in a running job. Both directions wait for whoever is slower, and nothing piles up in between. */
import { Socket } from 'node:net';
import { JobletError } from '../../api/errors.ts';
import { duplicateDescriptor } from '../../kernel/duplicate-descriptor.ts';
import { descriptorOf } from '../../kernel/socket-descriptor.ts';
import {
  endOfInputOrder,
  FrameReader,
  inputOrder,
  MAX_PAYLOAD_BYTES,
  resizeOrder,
  type SessionFrame,
  type TerminalSize,
} from './session-frames.ts';

/**
 * Orders go out by a descriptor of their own: a command may end before its input has come, and Node gives up a socket that
 * it can't write to, with all that still lies there to be read.
 */
export class Session implements Disposable {
  readonly #events: Socket;
  readonly #orders: Socket;

  /** @param socket connected to the monitor; the session owns it. */
  constructor(socket: Socket) {
    this.#events = socket;
    this.#orders = new Socket({
      fd: duplicateDescriptor(descriptorOf(socket)),
      readable: false,
      writable: true,
    });
    for (const end of [this.#events, this.#orders]) {
      // That it broke, whoever reads or writes is told.
      end.on('error', () => undefined);
    }
  }

  /** What the monitor says, until it hangs up. It is asked for the next only when this one has been dealt with. */
  async *frames(): AsyncGenerator<SessionFrame> {
    const frames = new FrameReader();
    try {
      for await (const bytes of this.#events) {
        yield* frames.read(bytes as Buffer);
      }
    } catch (error) {
      if (error instanceof RangeError) {
        throw error;
      }
      // A monitor that has gone looks the same as one that hung up.
    }
  }

  /** Resolves when the kernel has taken it; or when nobody is there any more. */
  send(order: Buffer): Promise<void> {
    return new Promise((resolve) => this.#orders.write(order, () => resolve()));
  }

  async #sendInput(bytes: Uint8Array): Promise<void> {
    if (bytes.length > MAX_PAYLOAD_BYTES) {
      throw malformed('input', `has ${bytes.length} bytes, ${MAX_PAYLOAD_BYTES} are allowed`);
    }
    if (bytes.length > 0) {
      await this.send(inputOrder(bytes));
    }
  }

  /**
   * Passes on what a client sends after its start.
   *
   * @param mayEnd false: the input is a terminal's, which has no end.
   * @throws JobletError (invalid) for what can't follow.
   */
  async obey(messages: AsyncIterable<ClientMessage>, mayEnd: boolean): Promise<void> {
    for await (const { message } of messages) {
      switch (message.case) {
        case 'input':
          await this.#sendInput(message.value);
          break;
        case 'resize':
          await this.send(resizeOrder(checkedSize(message.value)));
          break;
        case 'endOfInput':
          if (!mayEnd) {
            throw malformed('end_of_input', 'the input is a terminal: send it 0x04');
          }
          await this.send(endOfInputOrder());
          break;
        default:
          throw malformed(message.case ?? 'message', 'can not stand here');
      }
    }
  }

  [Symbol.dispose](): void {
    this.#events.destroy();
    this.#orders.destroy();
  }
}

/** What follows on the start of both calls, as far as it concerns a session. */
export interface ClientMessage {
  readonly message:
    | { readonly case: 'input'; readonly value: Uint8Array }
    | { readonly case: 'resize'; readonly value: TerminalSize }
    | { readonly case: 'endOfInput' }
    | { readonly case: 'start' }
    | { readonly case: undefined };
}

/** @throws JobletError (invalid) when it is more than a terminal can have. */
export function checkedSize({ columns, rows }: TerminalSize): TerminalSize {
  const most = 65_535;
  if (columns > most || rows > most) {
    throw malformed('terminal', `${columns} × ${rows} cells, at most ${most} each are possible`);
  }
  return { columns, rows };
}

export function malformed(object: string, reason: string): JobletError {
  return new JobletError('invalid', { layer: 'job', operation: 'check', object, reason, mend: '' });
}

/** A monitor that hung up before it said that it takes the session: it has as many as it takes, or its job has just ended. */
export function notTaken(uuid: string): JobletError {
  return new JobletError('exhausted', {
    layer: 'monitor',
    operation: 'open session',
    object: uuid,
    reason: 'the job has as many sessions as it can have (16), or has ended',
    mend: 'End one of them, then try again.',
  });
}
