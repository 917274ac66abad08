/** The window's end of the contract: typed requests and streams, their errors as `RequestFailed`. */
import * as z from 'zod/mini';
import {
  type Bridge,
  type Failure,
  failureSchema,
  REQUESTS,
  type RequestName,
  type RequestPayload,
  type Response,
  STREAM_REQUEST,
  STREAMS,
  type StreamItem,
  type StreamMessage,
  type StreamName,
  type StreamPayload,
} from '../../src-main/ipc/contract.ts';

declare global {
  interface Window {
    readonly joblet: Bridge;
  }
}

// The page's policy allows no `eval`, with which zod would compile its schemas.
z.config({ jitless: true });

/** What the main process could not do, in its words. */
export class RequestFailed extends Error {
  override readonly name = 'RequestFailed';
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.reason);
    this.failure = failure;
  }
}

let lastId = 0;

/** Where a file or folder lies that was dropped into the window; empty: nowhere on this machine. */
export function pathOf(file: File): string {
  return window.joblet.pathOf(file);
}

/** @throws RequestFailed, or the signal's reason when it is aborted. */
export async function request<Name extends RequestName>(
  name: Name,
  payload: RequestPayload<Name>,
  signal?: AbortSignal,
): Promise<Response<Name>> {
  signal?.throwIfAborted();
  lastId += 1;
  const id = lastId;
  const cancel = () => window.joblet.cancel(id);
  signal?.addEventListener('abort', cancel, { once: true });
  try {
    const answer = await window.joblet.request(name, id, payload);
    signal?.throwIfAborted();
    if (!answer.ok) {
      throw new RequestFailed(failureSchema.parse(answer.failure));
    }
    return REQUESTS[name].response.parse(answer.value) as Response<Name>;
  } finally {
    signal?.removeEventListener('abort', cancel);
  }
}

/**
 * Items as they come. The main process sends on only when an item has been dealt with, that is, when the next is asked
 * for; so a slow reader slows the source and nothing piles up. Leaving the loop ends the stream.
 *
 * @throws RequestFailed when the source fails.
 */
export async function* stream<Name extends StreamName>(
  name: Name,
  payload: StreamPayload<Name>,
  signal: AbortSignal,
): AsyncGenerator<StreamItem<Name>> {
  const { port1: port, port2: given } = new MessageChannel();
  const messages: StreamMessage[] = [];
  let wake = () => {};
  port.onmessage = ({ data }) => {
    messages.push(data);
    wake();
  };
  const onAbort = () => wake();
  signal.addEventListener('abort', onAbort, { once: true });
  window.postMessage({ type: STREAM_REQUEST, channel: name, payload }, location.origin, [given]);
  try {
    while (!signal.aborted) {
      const message = messages.shift();
      if (message === undefined) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      } else if (message.kind === 'item') {
        yield STREAMS[name].item.parse(message.value) as StreamItem<Name>;
        port.postMessage({ more: 1 });
      } else if (message.kind === 'failed') {
        throw new RequestFailed(failureSchema.parse(message.failure));
      } else {
        return;
      }
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    port.close();
  }
}
