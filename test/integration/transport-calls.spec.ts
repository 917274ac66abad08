/** What a call may be, and what it is answered with when it is something else. */
import { once } from 'node:events';
import type { ClientHttp2Session, OutgoingHttpHeaders } from 'node:http2';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { create, toBinary } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { credentials, loadPackageDefinition, type ServiceError } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { JobletError } from '../../native-helper/api/errors.ts';
import { ServerReflection } from '../../native-helper/api/gen/grpc/reflection/v1/reflection_pb.js';
import {
  GetJobRequestSchema,
  JobSchema,
  JobService,
  RunJobRequestSchema,
} from '../../native-helper/api/gen/joblet_pb.js';
import { createReflectionService } from '../../native-helper/server/transport/reflection.ts';
import { callRaw, frame, openHttp2, openTls, TransportFixture } from '../fixtures/transport.ts';

const API = join(import.meta.dirname, '../../native-helper/api');
const CHECK = '/grpc.health.v1.Health/Check';
const RUN = '/joblet.v1.JobService/RunJob';

let fixture: TransportFixture;
/** Of 1 MiB each. */
let longAnswers = 0;
beforeAll(async () => {
  fixture = await TransportFixture.start({
    routes: (router) =>
      router
        .service(JobService, {
          runJob: ({ spec }) => create(JobSchema, { uuid: 'here', ...(spec && { spec }) }),
          getJob: ({ id }) => {
            if (id === 'long') {
              longAnswers += 1;
              return create(JobSchema, { uuid: 'x'.repeat(1024 * 1024) });
            }
            if (id === 'descriptors') {
              throw Object.assign(new Error('too many open files'), { code: 'EMFILE' });
            }
            if (id === 'fault') {
              throw new Error('a secret of the helper');
            }
            throw new JobletError('not_found', {
              layer: 'job',
              operation: 'find',
              object: id,
              reason: 'no such job',
              mend: 'List them.',
            });
          },
        })
        .service(ServerReflection, createReflectionService([JobService, ServerReflection])),
  });
});
afterAll(() => fixture[Symbol.asyncDispose]());

const call = async (path: string, body: Uint8Array, headers?: OutgoingHttpHeaders) => {
  const session = openHttp2(fixture.paths.socket, fixture.nodeOf(0));
  try {
    return await callRaw(session, path, body, headers);
  } finally {
    session.destroy();
  }
};
const stillServes = async () => expect((await call(CHECK, frame(Buffer.alloc(0)))).grpcStatus).toBe('0');

const INVALID_ARGUMENT = '3';
const RESOURCE_EXHAUSTED = '8';

describe('a message', () => {
  it('that says it is 2 GiB long is refused before it is read', async () => {
    const { grpcStatus, message } = await call(RUN, frame(Buffer.alloc(100), 2 ** 31));
    expect(grpcStatus).toBe(RESOURCE_EXHAUSTED);
    expect(message).toContain('2147483648');
    await stillServes();
  });

  it('of more than 4 MiB is refused', async () => {
    const spec = { command: 'x'.repeat(4 * 1024 * 1024) };
    const { grpcStatus } = await call(
      RUN,
      frame(toBinary(RunJobRequestSchema, create(RunJobRequestSchema, { spec }))),
    );
    expect(grpcStatus).toBe(RESOURCE_EXHAUSTED);
    await stillServes();
  });

  it('that is cut short is refused', async () => {
    const { grpcStatus } = await call(RUN, frame(Buffer.alloc(10), 100));
    expect(grpcStatus).toBe(INVALID_ARGUMENT);
    await stillServes();
  });

  it('that is not protobuf is refused', async () => {
    const { grpcStatus } = await call(RUN, frame(Buffer.alloc(64, 0xff)));
    expect(['3', '13']).toContain(grpcStatus);
    await stillServes();
  });

  it('with a million groups inside each other is refused', async () => {
    const startGroup = (1000 << 3) | WireType.StartGroup;
    const nested = new BinaryWriter();
    for (let depth = 0; depth < 1_000_000; depth += 1) {
      nested.uint32(startGroup);
    }
    const { grpcStatus } = await call(RUN, frame(nested.finish()));
    expect(grpcStatus).not.toBe('0');
    await stillServes();
  });

  it.each([
    ['at the top', (field: Uint8Array) => field],
    [
      'in the specification',
      (field: Uint8Array) => new BinaryWriter().tag(1, WireType.LengthDelimited).bytes(field).finish(),
    ],
    [
      'in the limits of the specification',
      (field: Uint8Array) => {
        const limits = new BinaryWriter().tag(6, WireType.LengthDelimited).bytes(field).finish();
        return new BinaryWriter().tag(1, WireType.LengthDelimited).bytes(limits).finish();
      },
    ],
  ])('with a field that nobody knows %s is refused', async (_where, wrap) => {
    const unknown = new BinaryWriter().tag(99, WireType.Varint).uint32(1).finish();
    const { grpcStatus, message } = await call(RUN, frame(wrap(unknown)));
    expect(grpcStatus).toBe(INVALID_ARGUMENT);
    expect(message).toContain('field number 99');
  });

  it.each([
    ['at the top', { requireX: true }],
    ['in the specification', { spec: { command: 'true', walls: 3 } }],
    ['in the limits of the specification', { spec: { command: 'true', limits: { memoryBytesMax: '1' } } }],
  ])('in JSON with a field that nobody knows %s is refused', async (_where, message) => {
    const body = frame(Buffer.from(JSON.stringify(message)));
    const { grpcStatus } = await call(RUN, body, { 'content-type': 'application/grpc+json' });
    expect(grpcStatus).toBe(INVALID_ARGUMENT);
  });

  it.each(['[x', 'x y', '%', '[', 'a@b@c:99999999', ''])(
    'to the address %j ends alone',
    async (authority) => {
      await call(CHECK, frame(Buffer.alloc(0)), { ':authority': authority }).catch(() => {});
      await stillServes();
    },
  );

  it('that is compressed is refused, since it could be a bomb', async () => {
    const compressed = frame(Buffer.alloc(10));
    compressed[0] = 1;
    expect((await call(RUN, compressed)).grpcStatus).not.toBe('0');
    await stillServes();
  });
});

describe('a connection', () => {
  it('that breaks off within a frame is forgotten', async () => {
    const { cert, key, ca } = fixture.nodeOf(0);
    const socket = openTls(fixture.paths.socket, { cert, key, ca });
    await once(socket, 'secureConnect');
    // The preface, then the header of a frame of 100 bytes of which none comes.
    socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    socket.write(Buffer.from([0, 0, 100, 4, 0, 0, 0, 0, 0]));
    await nextTurn();
    socket.destroy();
    await stillServes();
  });

  it('whose frame is longer than HTTP/2 allows is closed', async () => {
    const { cert, key, ca } = fixture.nodeOf(0);
    const socket = openTls(fixture.paths.socket, { cert, key, ca });
    await once(socket, 'secureConnect');
    socket.resume();
    socket.on('error', () => {});
    socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    socket.write(Buffer.from([0xff, 0xff, 0xff, 4, 0, 0, 0, 0, 0]));
    await once(socket, 'close');
    await stillServes();
  });

  it('takes an unknown method and goes on', async () => {
    const session = openHttp2(fixture.paths.socket, fixture.nodeOf(0));
    await callRaw(session, '/joblet.v1.JobService/Nothing', frame(Buffer.alloc(0)));
    expect((await callRaw(session, CHECK, frame(Buffer.alloc(0)))).grpcStatus).toBe('0');
    session.destroy();
  });
});

describe('a client that makes the helper hold much', () => {
  const GET = '/joblet.v1.JobService/GetJob';
  const LONG = frame(toBinary(GetJobRequestSchema, create(GetJobRequestSchema, { id: 'long' })));

  const request = (session: ClientHttp2Session, path: string) => {
    const stream = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc' });
    stream.on('error', () => {});
    return stream;
  };

  it.each([
    [
      'by not reading its answers',
      (session: ClientHttp2Session) => request(session, GET).end(LONG),
      { initialWindowSize: 0 },
    ],
    [
      'by not ending its requests',
      (session: ClientHttp2Session) => request(session, RUN).write(frame(Buffer.alloc(10 ** 6), 2 * 10 ** 6)),
      {},
    ],
  ])('%s is cut off, and the others are served', async (_how, send, settings) => {
    using _ = vi.spyOn(console, 'error').mockImplementation(() => {});
    const session = openHttp2(fixture.paths.socket, fixture.nodeOf(0), settings);
    const closed = once(session, 'close');
    session.on('error', () => {});
    await once(session, 'remoteSettings');
    for (let count = 0; count < 200; count += 1) {
      send(session);
    }
    await closed;
    await stillServes();
    expect(fixture.log()).toContain('ended the connection that made the helper hold the most');
    expect(fixture.log()).not.toContain('ECANCELED');
  });

  it('by hundreds of answers at once is cut off before most of them are made', async () => {
    using _ = vi.spyOn(console, 'error').mockImplementation(() => {});
    const before = longAnswers;
    const sessions = Array.from({ length: 4 }, () =>
      openHttp2(fixture.paths.socket, fixture.nodeOf(0), { initialWindowSize: 0 }),
    );
    const closed = sessions.map((session) =>
      once(
        session.on('error', () => {}),
        'close',
      ),
    );
    await Promise.all(sessions.map((session) => once(session, 'remoteSettings')));
    for (let count = 0; count < 256; count += 1) {
      for (const session of sessions) {
        request(session, GET).end(LONG);
      }
    }
    await Promise.any(closed);
    for (const session of sessions) {
      session.destroy();
    }
    await stillServes();
    expect(longAnswers - before).toBeGreaterThan(100);
    expect(longAnswers - before).toBeLessThan(400);
  });

  it('and reads it is served', async () => {
    const session = openHttp2(fixture.paths.socket, fixture.nodeOf(0));
    const answers = await Promise.all(Array.from({ length: 100 }, () => callRaw(session, GET, LONG)));
    expect(new Set(answers.map(({ grpcStatus }) => grpcStatus))).toEqual(new Set(['0']));
    session.destroy();
  });
});

describe('a fault', () => {
  it('of ours is told to the log and not to the client', async () => {
    const id = new BinaryWriter().tag(1, WireType.LengthDelimited).string('fault').finish();
    const { grpcStatus, message } = await call('/joblet.v1.JobService/GetJob', frame(id));
    expect(grpcStatus).toBe('13');
    expect(message).not.toContain('secret');
    expect(fixture.log()).toContain('a secret of the helper');
  });
});

it('says so when the helper has no descriptors left', async () => {
  const id = new BinaryWriter().tag(1, WireType.LengthDelimited).string('descriptors').finish();
  const { grpcStatus, message } = await call('/joblet.v1.JobService/GetJob', frame(id));
  expect(grpcStatus).toBe(RESOURCE_EXHAUSTED);
  expect(message).toMatch(/EMFILE.*limit on open files/);
});

describe('a gRPC client that is not ours', () => {
  // biome-ignore lint/suspicious/noExplicitAny: grpc-js makes its clients at run time
  const clientOf = (file: string, service: (definition: any) => any) => {
    const { cert, key, ca } = fixture.nodeOf(0);
    const secure = credentials.createSsl(Buffer.from(ca), Buffer.from(key), Buffer.from(cert));
    const definition = loadPackageDefinition(loadSync(join(API, file), { enums: String }));
    const Service = service(definition);
    return new Service(`unix:${fixture.paths.socket}`, secure, {
      'grpc.ssl_target_name_override': 'joblet-helper',
      'grpc.default_authority': 'joblet-helper',
    });
  };

  it('asks for health', async () => {
    const client = clientOf('grpc/health/v1/health.proto', ({ grpc }) => grpc.health.v1.Health);
    const ask = (service: string) =>
      new Promise((resolve) => {
        client.check({ service }, (error: ServiceError | null, answer: { status: string }) =>
          resolve(error?.code ?? answer.status),
        );
      });
    expect(await ask('')).toBe('SERVING');
    expect(await ask('joblet.v1.JobService')).toBe('SERVING');
    expect(await ask('joblet.v1.Nothing')).toBe(5);
    client.close();
  });

  it('watches health until it has enough', async () => {
    const client = clientOf('grpc/health/v1/health.proto', ({ grpc }) => grpc.health.v1.Health);
    const stream = client.watch({ service: 'joblet.v1.Nothing' });
    stream.on('error', () => {});
    const [answer] = await once(stream, 'data');
    expect(answer.status).toBe('SERVICE_UNKNOWN');
    stream.cancel();
    client.close();
  });

  it('learns the services and their files by reflection', async () => {
    const client = clientOf(
      'grpc/reflection/v1/reflection.proto',
      ({ grpc }) => grpc.reflection.v1.ServerReflection,
    );
    const stream = client.serverReflectionInfo();
    const ask = async (request: object) => {
      stream.write(request);
      const [answer] = await once(stream, 'data');
      return answer;
    };
    const { listServicesResponse } = await ask({ listServices: '' });
    expect(listServicesResponse.service.map(({ name }: { name: string }) => name)).toEqual([
      'joblet.v1.JobService',
      'grpc.reflection.v1.ServerReflection',
    ]);
    const symbol = await ask({ fileContainingSymbol: 'joblet.v1.JobService.RunJob' });
    expect(Buffer.from(symbol.fileDescriptorResponse.fileDescriptorProto[0]).toString('latin1')).toContain(
      'joblet.proto',
    );
    const byName = await ask({ fileByFilename: 'joblet.proto' });
    expect(byName.fileDescriptorResponse.fileDescriptorProto).toHaveLength(1);
    const nothing = await ask({ fileContainingSymbol: 'joblet.v1.Nothing' });
    expect(nothing.errorResponse.errorCode).toBe(5);
    stream.end();
    client.close();
  });

  it('gets the code and the words of an error', async () => {
    const client = clientOf('joblet.proto', ({ joblet }) => joblet.v1.JobService);
    const error = await new Promise<ServiceError>((resolve) => {
      client.getJob({ id: 'abcd' }, (fault: ServiceError) => resolve(fault));
    });
    expect(error.code).toBe(5);
    // grpc-js leaves %3A as it is, though the protocol lets every character be encoded.
    expect(decodeURIComponent(error.details)).toBe('job: find abcd: no such job. List them.');
    client.close();
  });
});
