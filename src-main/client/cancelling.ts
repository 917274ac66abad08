/** Streams that end with their reader. */
import type { CallOptions } from '@connectrpc/connect';

type StreamingCall<Request, Answer> = (request: Request, options?: CallOptions) => AsyncIterable<Answer>;

/**
 * Cancels the call when its reader leaves in the middle, by `break` or by an error: connect's own streams are not told of that
 * (2.2.0), and would stay open, full of what nobody reads, as long as the connection does.
 */
export function cancelling<Request, Answer>(
  call: StreamingCall<Request, Answer>,
): StreamingCall<Request, Answer> {
  return (request, options = {}) => {
    const left = new AbortController();
    const signals = [options.signal, left.signal].filter((signal) => signal !== undefined);
    return untilLeft(call(request, { ...options, signal: AbortSignal.any(signals) }), left);
  };
}

async function* untilLeft<Answer>(
  answers: AsyncIterable<Answer>,
  left: AbortController,
): AsyncGenerator<Answer> {
  try {
    yield* answers;
  } finally {
    left.abort();
  }
}
