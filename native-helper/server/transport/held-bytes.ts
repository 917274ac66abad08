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
  /** Whether the caller of that path sends message after message, and the handler deals with each as it comes. */
  readonly isStream: (path: string) => boolean;
  /** Called with the connection that holds the most of what is too much, to be ended. */
  readonly onTooMany: (session: ServerHttp2Session, bytes: number) => void;
}

interface Call {
  /** Of what has come of the request, what its handler does not have yet. */
  held: number;
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
    const call = { held: 0 };
    this.#calls.set(stream, call);
    stream.once('close', () => this.#calls.delete(stream));
    countBody(request, call, this.#options.isStream(request.url));
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
    for (const [stream, call] of this.#calls) {
      const bytes = stream.writableLength + (stream.readableEnded ? 0 : call.held);
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

/**
 * Node counts the bytes of a connection, not those of a stream. The adapter reads a request by its iterator. Of a stream it asks for more
 * only when the handler has had all messages that were whole: so what is held is the one that is not. Else all is held to the end.
 */
function countBody(request: Http2ServerRequest, call: Call, isStream: boolean): void {
  const chunks: AsyncIterable<Buffer> = {
    [Symbol.asyncIterator]: request[Symbol.asyncIterator].bind(request),
  };
  const envelopes = new Envelopes();
  request[Symbol.asyncIterator] = async function* counted(): AsyncGenerator<Buffer, undefined> {
    for await (const chunk of chunks) {
      call.held += chunk.length;
      yield chunk;
      if (isStream) {
        call.held = envelopes.push(chunk);
      }
    }
    return undefined;
  };
}

/** gRPC's messages on the wire: a byte of flags, four of length, the message (PROTOCOL-HTTP2.md, Length-Prefixed-Message). */
class Envelopes {
  static readonly #PREFIX_BYTES = 5;
  #prefix: Buffer = Buffer.alloc(0);
  /** Of the message whose prefix is whole: bytes that have come, and that are to come. */
  #come = 0;
  #toCome = 0;

  /** @returns how many bytes of the last message have come while it is not whole; 0 when it is. */
  push(chunk: Buffer): number {
    for (let at = 0; at < chunk.length; ) {
      const isInPrefix = this.#prefix.length < Envelopes.#PREFIX_BYTES;
      const wanted = isInPrefix ? Envelopes.#PREFIX_BYTES - this.#prefix.length : this.#toCome;
      const part = chunk.subarray(at, at + wanted);
      at += part.length;
      if (isInPrefix) {
        this.#prefix = Buffer.concat([this.#prefix, part]);
        this.#toCome = this.#prefix.length < Envelopes.#PREFIX_BYTES ? 0 : this.#prefix.readUInt32BE(1);
      } else {
        this.#come += part.length;
        this.#toCome -= part.length;
      }
      if (this.#prefix.length === Envelopes.#PREFIX_BYTES && this.#toCome === 0) {
        this.#prefix = Buffer.alloc(0);
        this.#come = 0;
      }
    }
    return this.#prefix.length + this.#come;
  }
}
