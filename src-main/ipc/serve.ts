/**
 * The main process's end of the contract. Every message passes four doors: it comes from the main frame of our own window,
 * its channel is one of the contract, its payload is what the channel's schema says, and the window does not hold too much open
 * already. What does not pass is refused and written down.
 */
import type { IpcMain, IpcMainEvent, IpcMainInvokeEvent, MessagePortMain, WebFrameMain } from 'electron';
import { JobletError } from '../../native-helper/api/errors.ts';
import * as z from '../../native-helper/api/schema.ts';
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

/** The window asks for a handful of things at one time, and shows a handful of live views. */
const MAX_REQUESTS = 256;
const MAX_STREAMS = 64;

const idSchema = z.int().check(z.minimum(0));
const channelSchema = z.string().check(z.maxLength(64));
const requestEnvelope = z.strictObject({ channel: channelSchema, id: idSchema, payload: z.unknown() });
const cancelEnvelope = z.strictObject({ id: idSchema });
const streamEnvelope = z.strictObject({ channel: channelSchema, payload: z.unknown() });

/** What a window has open. */
export interface IpcServer {
  /** Ends all of it: the page that asked is gone. */
  endAll(): void;
}

/** Call it once, before the page is loaded. */
export function serveIpc(ipcMain: Pick<IpcMain, 'handle' | 'on'>, options: IpcOptions): IpcServer {
  const requests = new Map<number, AbortController>();
  const streams = new Set<CreditedPort>();

  ipcMain.handle(WIRE.request, async (event: IpcMainInvokeEvent, message: unknown): Promise<Answer> => {
    try {
      admit(options, event.senderFrame);
      return { ok: true, value: await answer(options, requests, message) };
    } catch (error) {
      return { ok: false, failure: told(error, options.report) };
    }
  });

  ipcMain.on(WIRE.cancel, (event: IpcMainEvent, message: unknown) => {
    try {
      admit(options, event.senderFrame);
      requests.get(parse(cancelEnvelope, message, 'cancel').id)?.abort(cancelled());
    } catch (error) {
      told(error, options.report);
    }
  });

  ipcMain.on(WIRE.stream, (event: IpcMainEvent, message: unknown) => {
    const [port, ...others] = event.ports;
    if (port === undefined || others.length > 0) {
      for (const each of event.ports) {
        each.close();
      }
      options.report('refused a message of the window', { object: 'stream', reason: 'it needs one port' });
      return;
    }
    const outbound = new CreditedPort(port, () => streams.delete(outbound));
    try {
      admit(options, event.senderFrame);
      const { open, window } = streamOf(options.streams, message);
      refuseTooMany(streams.size, MAX_STREAMS, 'streams');
      streams.add(outbound);
      void pump(outbound, open(outbound.signal), window, options.report);
    } catch (error) {
      outbound.close({ kind: 'failed', failure: told(error, options.report) });
    }
  });

  return {
    endAll() {
      for (const abort of requests.values()) {
        abort.abort(cancelled());
      }
      requests.clear();
      for (const stream of [...streams]) {
        stream.close({ kind: 'end' });
      }
    },
  };
}

async function answer(
  options: IpcOptions,
  running: Map<number, AbortController>,
  message: unknown,
): Promise<unknown> {
  const { channel, id, payload } = parse(requestEnvelope, message, 'request');
  const { handle, schema } = requestOf(options.requests, channel);
  const checked = parse(schema, payload, channel);
  refuseTooMany(running.size, MAX_REQUESTS, 'requests');
  if (running.has(id)) {
    throw refusal('find', `request ${id}`, 'is under way already');
  }
  const abort = new AbortController();
  running.set(id, abort);
  try {
    return await handle(checked, abort.signal);
  } finally {
    // A later page counts from one again, and may have another under way by that id.
    if (running.get(id) === abort) {
      running.delete(id);
    }
  }
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

function refuseTooMany(open: number, maximum: number, what: string): void {
  if (open >= maximum) {
    throw refusal('open', what, `${maximum} are open already`);
  }
}

function parse<T>(schema: z.ZodMiniType<T>, value: unknown, object: string): T {
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
  return { handle, schema: REQUESTS[name].request as z.ZodMiniType };
}

function streamOf(handlers: StreamHandlers, message: unknown) {
  const { channel, payload } = parse(streamEnvelope, message, 'stream');
  if (!Object.hasOwn(STREAMS, channel)) {
    throw refusal('find', channel, 'no such stream');
  }
  const name = channel as StreamName;
  const { request, window } = STREAMS[name];
  const checked = parse(request as z.ZodMiniType, payload, channel);
  const handle = handlers[name] as (payload: unknown, signal: AbortSignal) => AsyncIterable<unknown>;
  return { window, open: (signal: AbortSignal) => handle(checked, signal) };
}

/** Asks the source for the next item only when the window has room for it: so nothing piles up in between. */
async function pump(
  port: CreditedPort,
  items: AsyncIterable<unknown>,
  window: number,
  report: IpcOptions['report'],
): Promise<void> {
  port.open(window);
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
  readonly #onEnd: () => void;
  readonly #closed = new AbortController();
  /** A reader can't ask for more than the window of the stream: what it does not fetch would pile up here. */
  #window = 0;
  #credit = 0;
  #wake: () => void = () => {};

  constructor(port: MessagePortMain, onEnd: () => void) {
    this.#port = port;
    this.#onEnd = onEnd;
    port.on('message', ({ data }) => {
      const parsed = creditSchema.safeParse(data);
      if (parsed.success) {
        this.#grant(parsed.data.more);
      } else {
        this.#end();
        port.close();
      }
    });
    port.on('close', () => this.#end());
  }

  /** Aborted when the window has closed its end, or is gone. */
  get signal(): AbortSignal {
    return this.#closed.signal;
  }

  /** @param window items that may be on their way to a reader that has not asked for more. */
  open(window: number): void {
    this.#window = window;
    this.#credit = window;
    this.#port.start();
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
    if (!this.signal.aborted) {
      this.#port.postMessage(message);
      this.#end();
      this.#port.close();
    }
  }

  #grant(more: number): void {
    this.#credit = Math.min(this.#window, this.#credit + more);
    this.#wake();
  }

  #end(): void {
    this.#closed.abort(cancelled());
    this.#onEnd();
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
