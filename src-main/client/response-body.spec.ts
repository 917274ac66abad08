import { once } from 'node:events';
import {
  type ClientHttp2Session,
  connect,
  createServer,
  type Http2Server,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { chunksOf } from './response-body.ts';

let server: Http2Server;
let client: ClientHttp2Session;
let answer: (stream: ServerHttp2Stream) => void;

beforeAll(async () => {
  server = createServer();
  server.on('stream', (stream) => {
    stream.on('error', () => {});
    answer(stream);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});

afterAll(() => {
  client.destroy();
  server.close();
});

async function text(stream: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) {
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** As gRPC answers: with trailers. */
function answerWith(body: string): (stream: ServerHttp2Stream) => void {
  return (stream) => {
    stream.respond({ ':status': 200 }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.end(body);
  };
}

it.each(['the whole answer', ''])(
  'of an answer that has closed before its reader begins is all there: %j',
  async (body) => {
    answer = answerWith(body);
    const stream = client.request();
    await once(stream, 'trailers');
    await expect.poll(() => stream.closed).toBe(true);
    expect(await text(chunksOf(stream))).toBe(body);
  },
);

it('comes as it is sent, and larger than what is read ahead', async () => {
  const body = 'x'.repeat(3_000_000);
  answer = answerWith(body);
  expect(await text(chunksOf(client.request()))).toBe(body);
});

it('is an error when the connection goes', async () => {
  answer = (stream) => {
    stream.respond({ ':status': 200 });
    stream.write('begun');
  };
  const other = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const stream = other.request().on('error', () => {});
  const chunks = chunksOf(stream);
  expect((await chunks.next()).value?.toString()).toBe('begun');
  other.destroy();
  await expect(chunks.next()).rejects.toThrowError();
});

it('leaves nothing behind when its reader leaves in the middle', async () => {
  answer = answerWith('x'.repeat(500_000));
  const stream = client.request();
  const listeners = () => stream.eventNames().map((name) => [name, stream.listenerCount(name)]);
  const before = listeners();
  for await (const _ of chunksOf(stream)) {
    break;
  }
  expect(listeners()).toEqual(before);
  stream.close();
});
