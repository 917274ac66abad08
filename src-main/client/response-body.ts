/** The bodies of answers, in place of Node's own iteration over an HTTP/2 stream. */
import type { ClientHttp2Stream } from 'node:http2';
import { Http2SessionManager } from '@connectrpc/connect-node';
import { CUT_OFF } from './errors.ts';

/** Its streams, when they are iterated over, give all that has come. */
export class WholeBodySessionManager extends Http2SessionManager {
  override async request(
    ...parameters: Parameters<Http2SessionManager['request']>
  ): Promise<ClientHttp2Stream> {
    const stream = await super.request(...parameters);
    stream[Symbol.asyncIterator] = () => chunksOf(stream);
    return stream;
  }
}

/**
 * An answer that has come whole before its reader begins is closed already, with its bytes still to be read: Node takes
 * that for an answer that was cut off (≥ 24.20, https://github.com/nodejs/node/issues/65677), and so a job that was
 * accepted for one that was not.
 *
 * (What a reset stream means is known to its caller from its code: here it ends.)
 *
 * @throws Error CUT_OFF when the stream is gone before its end.
 */
export async function* chunksOf(stream: ClientHttp2Stream): AsyncGenerator<Buffer, undefined> {
  let wake = (): void => {};
  const onChange = (): void => wake();
  for (const event of ['readable', 'end', 'error', 'close']) {
    stream.on(event, onChange);
  }
  try {
    for (;;) {
      const chunk: Buffer | null = stream.read();
      if (chunk !== null) {
        yield chunk;
      } else if (stream.readableEnded) {
        return undefined;
      } else if (stream.destroyed) {
        throw stream.errored ?? Object.assign(new Error('the answer was cut off'), { code: CUT_OFF });
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    for (const event of ['readable', 'end', 'error', 'close']) {
      stream.off(event, onChange);
    }
  }
}
