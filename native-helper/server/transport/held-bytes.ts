/**
 * What clients make the helper hold: requests of which the end does not come, answers that nobody reads. Each call is
 * bounded by itself, but a client may have hundreds, so all of them together are bounded too.
 */
import type { Http2ServerRequest, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';

/** Between two looks: time for a client on this machine to read what it asked for. */
const LOOK_MS = 100;
/**
 * Calls that begin in one turn of the event loop. Many more may arrive in one, and until a call has begun nothing is
 * held for it but the part of the request that HTTP/2's flow control lets through: so that what the first of them make
 * the helper hold is seen before the last begin.
 */
const CALLS_PER_TURN = 16;

export interface HeldBytesOptions {
  /** Bytes of all calls together. */
  readonly maximum: number;
  /** Called with the connection that holds the most of what is too much, to be ended. */
  readonly onTooMany: (session: ServerHttp2Session, bytes: number) => void;
}

interface Call {
  received: number;
}

export class HeldBytes {
  readonly #options: HeldBytesOptions;
  readonly #calls = new Map<ServerHttp2Stream, Call>();
  readonly #waiting: (() => void)[] = [];
  #begunInTurn = 0;
  #look: NodeJS.Timeout | undefined;

  constructor(options: HeldBytesOptions) {
    this.#options = options;
  }

  /**
   * Begins a call: at once, unless as many have begun already as one turn of the event loop is good for.
   *
   * @param handle reads the request and answers it; not called when the client has gone meanwhile.
   */
  begin(request: Http2ServerRequest, handle: () => void): void {
    const beginNow = () => {
      if (!request.stream.destroyed) {
        this.#watch(request);
        handle();
      }
    };
    if (this.#begunInTurn === 0) {
      setImmediate(() => this.#nextTurn());
    }
    if (this.#begunInTurn < CALLS_PER_TURN) {
      this.#begunInTurn += 1;
      beginNow();
    } else {
      this.#waiting.push(beginNow);
    }
  }

  #nextTurn(): void {
    this.#begunInTurn = 0;
    if (this.#waiting.length === 0) {
      return;
    }
    this.#endGreediest();
    const batch = this.#waiting.splice(0, CALLS_PER_TURN);
    this.#begunInTurn = batch.length;
    setImmediate(() => this.#nextTurn());
    for (const begin of batch) {
      begin();
    }
  }

  #watch(request: Http2ServerRequest): void {
    const { stream } = request;
    const call = { received: 0 };
    this.#calls.set(stream, call);
    stream.once('close', () => this.#calls.delete(stream));
    countBody(request, call);
    this.#lookLater(0);
  }

  /** Looks until nothing changes any more: who is slow costs no wake-ups, and more comes only with the next call. */
  #lookLater(before: number): void {
    this.#look ??= setTimeout(() => {
      this.#look = undefined;
      const held = this.#endGreediest();
      if (held !== before) {
        this.#lookLater(held);
      }
    }, LOOK_MS).unref();
  }

  /** @returns the bytes that are held. */
  #endGreediest(): number {
    const ofSession = new Map<ServerHttp2Session, number>();
    let held = 0;
    for (const [stream, { received }] of this.#calls) {
      const bytes = stream.writableLength + (stream.readableEnded ? 0 : received);
      const session = stream.session as ServerHttp2Session | undefined;
      if (session !== undefined) {
        ofSession.set(session, (ofSession.get(session) ?? 0) + bytes);
      }
      held += bytes;
    }
    const [greediest] = [...ofSession].sort(([, one], [, other]) => other - one);
    if (held > this.#options.maximum && greediest !== undefined) {
      this.#options.onTooMany(...greediest);
    }
    return held;
  }
}

/** Node counts the bytes of a connection, not those of a stream. The adapter reads a request by its iterator. */
function countBody(request: Http2ServerRequest, call: Call): void {
  const chunks: AsyncIterable<Buffer> = {
    [Symbol.asyncIterator]: request[Symbol.asyncIterator].bind(request),
  };
  request[Symbol.asyncIterator] = async function* counted(): AsyncGenerator<Buffer, undefined> {
    for await (const chunk of chunks) {
      call.received += chunk.length;
      yield chunk;
    }
    return undefined;
  };
}
