/**
 * The main process's end of the contract. Every message passes three doors: it comes from the main frame of our own window,
 * its channel is one of the contract, and its payload is what the channel's schema says. What does not pass is refused and
 * written down.
 */
import {
  type IpcMainEvent,
  type IpcMainInvokeEvent,
  ipcMain,
  type MessagePortMain,
  type WebFrameMain,
} from 'electron';
import * as z from 'zod';
import { JobletError } from '../../native-helper/api/errors.ts';
import {
  creditSchema,
  type Failure,
  REQUESTS,
  type RequestName,
  type RequestPayload,
  type Response,
  STREAMS,
  type StreamItem,
  type StreamName,
  type StreamPayload,
} from './contract.ts';
import { failureOf } from './failure.ts';
import { type Answer, type StreamMessage, WIRE } from './wire.ts';

export type RequestHandlers = {
  readonly [Name in RequestName]: (
    payload: RequestPayload<Name>,
    signal: AbortSignal,
  ) => Promise<Response<Name>>;
};
export type StreamHandlers = {
  readonly [Name in StreamName]: (
    payload: StreamPayload<Name>,
    signal: AbortSignal,
  ) => AsyncIterable<StreamItem<Name>>;
};

export interface IpcOptions {
  readonly requests: RequestHandlers;
  readonly streams: StreamHandlers;
  /** Whether a frame is the main frame of our window, showing our own page. */
  readonly isTrusted: (frame: WebFrameMain | null) => boolean;
  /** Told of each message that was refused, and of each fault of ours. */
  readonly report: (message: string, details: object) => void;
}

const requestEnvelope = z.strictObject({ channel: z.string(), id: z.int().min(0), payload: z.unknown() });
const cancelEnvelope = z.strictObject({ id: z.int().min(0) });
const streamEnvelope = z.strictObject({ channel: z.string(), payload: z.unknown() });

/** Call it once, before a window is made. */
export function serveIpc(options: IpcOptions): void {
  const running = new Map<string, AbortController>();
  const keyOf = (event: IpcMainEvent | IpcMainInvokeEvent, id: number) =>
    `${event.processId}:${event.frameId}:${id}`;

  ipcMain.handle(WIRE.request, async (event, message: unknown): Promise<Answer> => {
    const abort = new AbortController();
    let key: string | undefined;
    try {
      admit(options, event.senderFrame);
      const { channel, id, payload } = parse(requestEnvelope, message, 'request');
      const { handle, schema } = requestOf(options.requests, channel);
      const checked = parse(schema, payload, channel);
      key = keyOf(event, id);
      running.set(key, abort);
      return { ok: true, value: await handle(checked, abort.signal) };
    } catch (error) {
      return { ok: false, failure: told(error, options.report) };
    } finally {
      if (key !== undefined) {
        running.delete(key);
      }
    }
  });

  ipcMain.on(WIRE.cancel, (event, message: unknown) => {
    const parsed = cancelEnvelope.safeParse(message);
    if (options.isTrusted(event.senderFrame) && parsed.success) {
      running.get(keyOf(event, parsed.data.id))?.abort(cancelled());
    }
  });

  ipcMain.on(WIRE.stream, (event, message: unknown) => {
    const [port, ...others] = event.ports;
    if (port === undefined || others.length > 0) {
      options.report('refused: a stream needs one port', {});
      return;
    }
    const outbound = new CreditedPort(port);
    try {
      admit(options, event.senderFrame);
      const { channel, payload } = parse(streamEnvelope, message, 'stream');
      const { open, schema, window } = streamOf(options.streams, channel);
      void pump(outbound, open(parse(schema, payload, channel), outbound.signal), window, options.report);
    } catch (error) {
      outbound.close({ kind: 'failed', failure: told(error, options.report) });
    }
  });
}

function admit({ isTrusted }: IpcOptions, frame: WebFrameMain | null): void {
  if (!isTrusted(frame)) {
    throw refusal(
      'sender',
      frame?.url ?? 'a frame that is gone',
      'only the main frame of the window may ask',
    );
  }
}

function parse<T>(schema: z.ZodType<T>, value: unknown, object: string): T {
  const result = schema.safeParse(value);
  if (!result.success) {
    throw refusal('parse', object, z.prettifyError(result.error));
  }
  return result.data;
}

function refusal(operation: string, object: string, reason: string): JobletError {
  return new JobletError('invalid', { layer: 'ipc', operation, object, reason, mend: '' });
}

function requestOf(handlers: RequestHandlers, channel: string) {
  if (!Object.hasOwn(REQUESTS, channel)) {
    throw refusal('find', channel, 'no such channel');
  }
  const name = channel as RequestName;
  const handle = handlers[name] as (payload: unknown, signal: AbortSignal) => Promise<unknown>;
  return { handle, schema: REQUESTS[name].request as z.ZodType };
}

function streamOf(handlers: StreamHandlers, channel: string) {
  if (!Object.hasOwn(STREAMS, channel)) {
    throw refusal('find', channel, 'no such stream');
  }
  const name = channel as StreamName;
  const open = handlers[name] as (payload: unknown, signal: AbortSignal) => AsyncIterable<unknown>;
  return { open, schema: STREAMS[name].request as z.ZodType, window: STREAMS[name].window };
}

/** Asks the source for the next item only when the window has room for it: so nothing piles up in between. */
async function pump(
  port: CreditedPort,
  items: AsyncIterable<unknown>,
  window: number,
  report: IpcOptions['report'],
): Promise<void> {
  port.grant(window);
  try {
    for await (const value of items) {
      port.send({ kind: 'item', value });
      await port.credit();
      if (port.signal.aborted) {
        return;
      }
    }
    port.close({ kind: 'end' });
  } catch (error) {
    if (!port.signal.aborted) {
      port.close({ kind: 'failed', failure: told(error, report) });
    }
  }
}

/** A port that sends no more than its reader has asked for. */
class CreditedPort {
  readonly #port: MessagePortMain;
  readonly #closed = new AbortController();
  #credit = 0;
  #wake: () => void = () => {};

  constructor(port: MessagePortMain) {
    this.#port = port;
    port.on('message', ({ data }) => {
      const parsed = creditSchema.safeParse(data);
      if (parsed.success) {
        this.grant(parsed.data.more);
      } else {
        this.#end();
        port.close();
      }
    });
    port.on('close', () => this.#end());
    port.start();
  }

  /** Aborted when the window has closed its end, or is gone. */
  get signal(): AbortSignal {
    return this.#closed.signal;
  }

  grant(more: number): void {
    this.#credit += more;
    this.#wake();
  }

  send(message: StreamMessage): void {
    this.#credit -= 1;
    this.#port.postMessage(message);
  }

  /** Resolves when another item may be sent, or none will ever be. */
  async credit(): Promise<void> {
    while (this.#credit <= 0 && !this.signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  close(message: StreamMessage): void {
    this.#port.postMessage(message);
    this.#end();
    this.#port.close();
  }

  #end(): void {
    this.#closed.abort(cancelled());
    this.#wake();
  }
}

function cancelled(): JobletError {
  return new JobletError('unavailable', {
    layer: 'ipc',
    operation: 'wait',
    object: '',
    reason: 'the window did not want it any more',
    mend: '',
  });
}

/** What was refused at the door, and faults of ours, are written down too. */
function told(error: unknown, report: IpcOptions['report']): Failure {
  const failure = failureOf(error);
  if (failure.layer === 'ipc' && failure.kind === 'invalid') {
    report('refused a message of the window', failure);
  } else if (failure.kind === 'internal') {
    report('a fault in the main process', { err: error });
  }
  return failure;
}
