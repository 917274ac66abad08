/** The client's side: exact words for what is wrong, and streams that go on with the next helper. */
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { createServer as createTlsServer } from 'node:tls';
import { create } from '@bufbuild/protobuf';
import { Code, ConnectError, type ServiceImpl } from '@connectrpc/connect';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { JobletError } from '../../native-helper/api/errors.ts';
import {
  ExecJobResponseSchema,
  JobEventSchema,
  JobMetricsSchema,
  JobSchema,
  JobService,
  JobStatus,
  LogChunkSchema,
} from '../../native-helper/api/gen/joblet_pb.js';
import {
  createAuthority,
  issueClient,
  issueServer,
  type KeyPairPem,
} from '../../native-helper/server/config/authority.ts';
import { type Client, connect } from '../../src-main/client/index.ts';
import { callRaw, frame, openHttp2, TransportFixture } from '../fixtures/transport.ts';

type Jobs = Partial<ServiceImpl<typeof JobService>>;

const closing: (() => unknown)[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const close of closing.splice(0).reverse()) {
    await close();
  }
});

const begin = async (service: Jobs, options = {}): Promise<{ fixture: TransportFixture; client: Client }> => {
  const fixture = await TransportFixture.start({
    ...options,
    routes: (router) => router.service(JobService, service),
  });
  closing.push(() => fixture[Symbol.asyncDispose]());
  const client = await connect({ root: fixture.paths.root });
  closing.push(() => client.close());
  return { fixture, client };
};
const faultOf = async (call: Promise<unknown>): Promise<JobletError> => {
  const error = await call.catch((fault: unknown) => fault);
  expect(error).toBeInstanceOf(JobletError);
  return error as JobletError;
};
/** Whoever has taken the helper's socket. */
const listenTls = async (path: string, { certificate, key }: KeyPairPem): Promise<void> => {
  const server = createTlsServer({ cert: certificate, key, minVersion: 'TLSv1.3', ALPNProtocols: ['h2'] });
  closing.push(() => server.close());
  await once(server.listen(path), 'listening');
};
const job = (uuid: string, status = JobStatus.RUNNING) => create(JobSchema, { uuid, status });

it('has the whole answer of a call whose request has no end, however much is being sent', async () => {
  const stdout = Buffer.alloc(64 * 1024);
  const { client } = await begin({
    async *execJob() {
      for (let chunk = 0; chunk < 4; chunk += 1) {
        yield create(ExecJobResponseSchema, { event: { case: 'stdout', value: stdout } });
      }
    },
    // biome-ignore lint/correctness/useYield: it refuses
    async *attachJob() {
      throw new ConnectError('not this one', Code.FailedPrecondition);
    },
  });
  const left = new AbortController();
  async function* endless() {
    await once(left.signal, 'abort');
    yield {};
  }
  const calls = Array.from({ length: 40 }, async (_, index) => {
    const { signal } = left;
    if (index % 2 === 0) {
      let bytes = 0;
      for await (const { event } of client.jobs.execJob(endless(), { signal })) {
        bytes += event.case === 'stdout' ? event.value.length : 0;
      }
      return bytes;
    }
    const answers = client.jobs.attachJob(endless(), { signal });
    return (await faultOf(answers[Symbol.asyncIterator]().next())).details.reason;
  });
  const answers = await Promise.all(calls);
  left.abort();
  expect(new Set(answers)).toEqual(new Set([4 * stdout.length, 'not this one']));
});

describe('the words for', () => {
  it('a helper that is not running', async () => {
    const { fixture, client } = await begin({});
    await fixture.stop();
    const fault = await faultOf(client.jobs.getJob({ id: 'abcd' }));
    expect(fault.kind).toBe('unavailable');
    expect(fault.message).toContain('the helper is not running. Start it with `joblet helper start`.');
  });

  it('a helper that is not installed', async () => {
    const { fixture, client } = await begin({});
    await fixture.stop();
    rmSync(fixture.paths.configDirectory, { recursive: true });
    expect((await faultOf(client.jobs.getJob({ id: 'abcd' }))).message).toContain('is not installed');
  });

  it('certificates of an authority that was replaced', async () => {
    const { fixture, client } = await begin({});
    await fixture.installation.rotateAuthority(0);
    fixture.replaceCertificates();
    const fault = await faultOf(client.jobs.getJob({ id: 'abcd' }));
    expect(fault.kind).toBe('refused');
    expect(fault.message).toContain('of another helper, or of an old one');
  });

  it.each<[string, (authority: KeyPairPem) => Promise<KeyPairPem>, Record<string, string>?]>([
    ['is for another name', (authority) => issueServer(authority, undefined, 'elsewhere')],
    ["is a client's", (authority) => issueClient(authority, 0)],
    ['is of another authority', async () => issueServer(await createAuthority('other'))],
    [
      'is of another authority, in a shell that trusts anybody',
      async () => issueServer(await createAuthority('other')),
      { NODE_TLS_REJECT_UNAUTHORIZED: '0' },
    ],
  ])('a server whose certificate %s', async (_, make, environment = {}) => {
    const { fixture, client } = await begin({});
    const { ca_certificate: certificate, ca_key: key } = fixture.installation.config.security;
    await fixture.stop();
    await listenTls(fixture.paths.socket, await make({ certificate, key }));
    for (const [name, value] of Object.entries(environment)) {
      vi.stubEnv(name, value);
    }
    const fault = await faultOf(client.jobs.getJob({ id: 'abcd' }));
    expect(fault.kind).toBe('refused');
    expect(fault.message).toContain('of another helper, or of an old one');
  });

  it('too many connections', async () => {
    const { fixture, client } = await begin({ getJob: ({ id }) => job(id) }, { perUid: 1 });
    const other = openHttp2(fixture.paths.socket, fixture.nodeOf(0));
    closing.push(() => other.destroy());
    await callRaw(other, '/grpc.health.v1.Health/Check', frame(Buffer.alloc(0)));
    const fault = await faultOf(client.jobs.getJob({ id: 'abcd' }));
    expect(fault.kind).toBe('exhausted');
    expect(fault.message).toContain('too many connections');
  });

  it('a request that the helper does not know', async () => {
    const { client } = await begin({});
    expect((await faultOf(client.jobs.getJob({ id: 'abcd' }))).message).toContain('is of another version');
  });

  it('a fault that the helper tells', async () => {
    const details = {
      layer: 'cgroup',
      operation: 'write',
      object: 'cpu.max',
      reason: 'EINVAL',
      mend: 'Ask for less.',
    };
    const { client } = await begin({
      runJob: () => {
        throw new JobletError('refused', details);
      },
    });
    const fault = await faultOf(client.jobs.runJob({}));
    expect(fault).toMatchObject({ kind: 'refused', details });
  });

  it('a helper that goes away in mid-call', async () => {
    const { fixture, client } = await begin({ runJob: () => delay(60_000, job('x')) });
    const call = faultOf(client.jobs.runJob({}));
    await delay(200);
    await fixture.stop();
    const fault = await call;
    expect(fault.kind).toBe('unavailable');
    expect(fault.message).toContain('went away during the call');
  });
});

describe('a read', () => {
  it('is asked again once when the helper went away', async () => {
    let calls = 0;
    const { client } = await begin({
      getJob: ({ id }) => {
        calls += 1;
        if (calls === 1) {
          throw new ConnectError('gone', Code.Unavailable);
        }
        return job(id);
      },
    });
    expect((await client.jobs.getJob({ id: 'abcd' })).uuid).toBe('abcd');
    expect(calls).toBe(2);
  });

  it('that is no read is never asked twice', async () => {
    let calls = 0;
    const { client } = await begin({
      runJob: () => {
        calls += 1;
        throw new ConnectError('gone', Code.Unavailable);
      },
    });
    await faultOf(client.jobs.runJob({}));
    expect(calls).toBe(1);
  });
});

describe('followLogs', () => {
  const LOG = Buffer.from(Array.from({ length: 1000 }, (_, index) => `line ${index}\n`).join(''));
  const CHUNK = 97;

  it('gets each byte once, however often the helper goes away', async () => {
    let sent = 0;
    const { fixture, client } = await begin({
      async *getLogs({ offset }, { signal }) {
        for (let at = Number(offset); at < LOG.length; at += CHUNK) {
          sent += 1;
          yield create(LogChunkSchema, { offset: BigInt(at), data: LOG.subarray(at, at + CHUNK) });
          // The rest comes when the helper is back.
          if (sent % 30 === 0) {
            await delay(60_000, undefined, { signal });
          }
        }
      },
    });
    const received: Uint8Array[] = [];
    for await (const { data } of client.followLogs({ id: 'abcd', signal: AbortSignal.timeout(25_000) })) {
      received.push(data);
      if (received.length % 30 === 0) {
        await fixture.stop();
        await delay(300);
        await fixture.startAgain();
      }
    }
    expect(Buffer.concat(received).equals(LOG)).toBe(true);
  });

  it('ends with what its caller gave as the reason', async () => {
    const { client } = await begin({
      async *getLogs(_request, { signal }) {
        yield create(LogChunkSchema, { data: Buffer.from('x') });
        await delay(60_000, undefined, { signal });
      },
    });
    const abort = new AbortController();
    const reading = (async () => {
      for await (const _ of client.followLogs({ id: 'abcd', signal: abort.signal })) {
        abort.abort(new Error('enough'));
      }
    })();
    await expect(reading).rejects.toThrow('enough');
  });

  it('does not hide a fault that the helper tells', async () => {
    const { client } = await begin({
      // biome-ignore lint/correctness/useYield: it never comes so far
      async *getLogs() {
        throw new JobletError('not_found', {
          layer: 'job',
          operation: 'find',
          object: 'x',
          reason: 'no',
          mend: '',
        });
      },
    });
    const reading = (async () => {
      for await (const _ of client.followLogs({ id: 'abcd', signal: new AbortController().signal })) {
        // Nothing comes.
      }
    })();
    expect((await faultOf(reading)).kind).toBe('not_found');
  });
});

describe('watch', () => {
  it('tells of jobs that ended or were deleted while the helper was away', async () => {
    let isBack = false;
    const { fixture, client } = await begin({
      async *watchJobs(_request, { signal }) {
        if (!isBack) {
          for (const uuid of ['ends', 'goes', 'stays']) {
            yield create(JobEventSchema, { job: job(uuid) });
          }
        } else {
          yield create(JobEventSchema, { job: job('stays') });
        }
        await delay(60_000, undefined, { signal });
      },
      getJob: ({ id }) => {
        if (id === 'goes') {
          throw new JobletError('not_found', {
            layer: 'job',
            operation: 'find',
            object: id,
            reason: 'no',
            mend: '',
          });
        }
        return job(id, id === 'ends' ? JobStatus.COMPLETED : JobStatus.RUNNING);
      },
    });
    const abort = new AbortController();
    const events: string[] = [];
    for await (const { job: seen, deleted } of client.watch([], abort.signal)) {
      events.push(`${seen?.uuid} ${deleted ? 'deleted' : JobStatus[seen?.status ?? 0]}`);
      if (events.length === 3) {
        isBack = true;
        await fixture.stop();
        await fixture.startAgain();
      }
      if (events.length === 7) {
        break;
      }
    }
    expect(events.slice(3)).toEqual(['ends COMPLETED', 'goes deleted', 'stays RUNNING', 'stays RUNNING']);
  });
});

describe('watchMetrics', () => {
  it('goes on with the next helper, and ends when the named jobs have', async () => {
    let asked = 0;
    const { fixture, client } = await begin({
      async *watchMetrics({ ids }, { signal }) {
        asked += 1;
        yield create(JobMetricsSchema, { uuid: ids[0] ?? '', cpuUserUs: BigInt(asked) });
        if (asked === 1) {
          await delay(60_000, undefined, { signal });
        }
      },
    });
    const told: [string, bigint][] = [];
    for await (const { uuid, cpuUserUs } of client.watchMetrics(['abcd'], AbortSignal.timeout(25_000))) {
      told.push([uuid, cpuUserUs]);
      if (told.length === 1) {
        await fixture.stop();
        await fixture.startAgain();
      }
    }
    expect(told).toEqual([
      ['abcd', 1n],
      ['abcd', 2n],
    ]);
  });
});
