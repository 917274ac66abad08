/** Who comes in, and who does not: uid, TLS, certificate, room. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect as connectNet, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ClientNode } from '../../native-helper/api/config-schema.ts';
import {
  createAuthority,
  issueClient,
  issueServer,
  type KeyPairPem,
} from '../../native-helper/server/config/authority.ts';
import { callRaw, frame, openHttp2, openTls, TransportFixture, untilTrue } from '../fixtures/transport.ts';

const CHECK = '/grpc.health.v1.Health/Check';
const STRANGER = 65_533;

/** What becomes of a connection and one call: the status of the call, or the code of the error. */
async function knock(path: string, node: ClientNode): Promise<string> {
  const session = openHttp2(path, node);
  const failed = once(session, 'error').then(([error]) => String(error.code ?? error.message));
  const answered = callRaw(session, CHECK, frame(Buffer.alloc(0))).then(
    ({ grpcStatus }) => grpcStatus,
    () => failed,
  );
  try {
    return await Promise.race([answered, failed]);
  } finally {
    session.destroy();
  }
}

/** The same from a process of another uid. */
async function knockAs(uid: number, path: string, node: ClientNode): Promise<string> {
  const child = spawn(process.execPath, [join(import.meta.dirname, '../fixtures/knock-process.ts'), path], {
    uid,
    gid: uid,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.end(JSON.stringify(node));
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  await once(child, 'close');
  return output;
}

let fixture: TransportFixture;
beforeEach(async () => {
  fixture = await TransportFixture.start({ elevatedBy: STRANGER, total: 40, perUid: 20 });
});
afterEach(() => fixture[Symbol.asyncDispose]());

const presenting = (pair: KeyPairPem, ca: string): ClientNode => ({
  ...fixture.nodeOf(0),
  cert: pair.certificate,
  key: pair.key,
  ca,
});
const ownAuthority = (): KeyPairPem => {
  const { ca_certificate, ca_key } = fixture.installation.config.security;
  return { certificate: ca_certificate, key: ca_key };
};

describe('a connection', () => {
  it('is served with the certificate of its own uid', async () => {
    expect(await knock(fixture.paths.socket, fixture.nodeOf(0))).toBe('0');
    expect(await knockAs(STRANGER, fixture.paths.socket, fixture.nodeOf(STRANGER))).toBe('0');
  });

  it('is refused with a good key of another uid', async () => {
    expect(await knockAs(STRANGER, fixture.paths.socket, fixture.nodeOf(0))).not.toBe('0');
    expect(await knock(fixture.paths.socket, fixture.nodeOf(STRANGER))).not.toBe('0');
    await untilTrue(() => fixture.log().includes('the certificate was made for another uid'));
  });

  it('is refused before TLS when its uid is not allowed, and told so', async () => {
    expect(await knockAs(65_532, fixture.paths.socket, fixture.nodeOf(0))).toMatch(
      /ACCESS_DENIED|ECONNRESET|EPIPE/,
    );
    expect(fixture.log()).toContain('"uid":65532');
  });

  it('is refused with a certificate of another authority', async () => {
    const pair = await issueClient(await createAuthority('else'), 0);
    expect(await knock(fixture.paths.socket, presenting(pair, ownAuthority().certificate))).not.toBe('0');
    await untilTrue(() => fixture.log().includes('no TLS 1.3 with a certificate of our authority'));
  });

  it("is refused with a server's certificate", async () => {
    const pair = await issueServer(ownAuthority());
    expect(await knock(fixture.paths.socket, presenting(pair, ownAuthority().certificate))).not.toBe('0');
  });

  it('is refused without a certificate', async () => {
    const { ca } = fixture.nodeOf(0);
    const socket = openTls(fixture.paths.socket, { ca });
    const [error] = await once(socket, 'error');
    expect(error.code).toContain('CERTIFICATE_REQUIRED');
  });

  it('is refused with TLS 1.2', async () => {
    const { ca, cert, key } = fixture.nodeOf(0);
    const socket = openTls(fixture.paths.socket, { ca, cert, key, maxVersion: 'TLSv1.2' });
    const [error] = await once(socket, 'error');
    expect(error.code).toContain('PROTOCOL_VERSION');
  });

  it('that stands goes on when the authority is rotated; a new one needs the new certificates', async () => {
    const old = fixture.nodeOf(0);
    const session = openHttp2(fixture.paths.socket, old);
    await callRaw(session, CHECK, frame(Buffer.alloc(0)));
    await fixture.installation.rotateAuthority(0);
    fixture.replaceCertificates();
    expect((await callRaw(session, CHECK, frame(Buffer.alloc(0)))).grpcStatus).toBe('0');
    expect(await knock(fixture.paths.socket, old)).not.toBe('0');
    expect(await knock(fixture.paths.socket, fixture.nodeOf(0))).toBe('0');
    session.destroy();
  });
});

describe('many connections', () => {
  const halfOpen = async (count: number): Promise<Socket[]> => {
    const sockets = Array.from({ length: count }, () => connectNet(fixture.paths.socket));
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    for (const socket of sockets) {
      socket.on('error', () => {});
    }
    return sockets;
  };

  it('that never finish their handshake keep nobody out, and the oldest are dropped', async () => {
    const sockets = await halfOpen(300);
    expect(await knock(fixture.paths.socket, fixture.nodeOf(0))).toBe('0');
    expect(await knockAs(STRANGER, fixture.paths.socket, fixture.nodeOf(STRANGER))).toBe('0');
    await untilTrue(() => sockets.filter(({ closed }) => closed).length >= 300 - 20);
    for (const socket of sockets) {
      socket.destroy();
    }
  });

  it('that never finish their handshake end after 5 s', async () => {
    const [socket] = await halfOpen(1);
    const start = Date.now();
    await once(socket as Socket, 'close');
    expect(Date.now() - start).toBeGreaterThan(4000);
    expect(Date.now() - start).toBeLessThan(9000);
  });

  it('that finish TLS and do not speak HTTP/2 keep nobody out, and end after 5 s', async () => {
    const { ca, cert, key } = fixture.nodeOf(0);
    const sockets = Array.from({ length: 30 }, () => openTls(fixture.paths.socket, { ca, cert, key }));
    for (const socket of sockets) {
      socket.on('error', () => {}).resume();
    }
    // The first are dropped for the last before they are through.
    await untilTrue(() => sockets.every(({ authorized, closed }) => authorized || closed));
    expect(await knock(fixture.paths.socket, fixture.nodeOf(0))).toBe('0');
    await expect.poll(() => sockets.filter(({ closed }) => !closed), { timeout: 10_000 }).toEqual([]);
  });

  it('of one uid are bounded, and the one too many is told so', async () => {
    const node = fixture.nodeOf(0);
    const sessions = Array.from({ length: 20 }, () => openHttp2(fixture.paths.socket, node));
    await Promise.all(sessions.map((session) => callRaw(session, CHECK, frame(Buffer.alloc(0)))));
    expect(await knock(fixture.paths.socket, node)).toMatch(/INTERNAL_ERROR|ECONNRESET|EPIPE/);
    expect(await knockAs(STRANGER, fixture.paths.socket, fixture.nodeOf(STRANGER))).toBe('0');
    for (const session of sessions) {
      session.destroy();
    }
    await expect.poll(() => knock(fixture.paths.socket, node)).toBe('0');
  });

  it('are logged in few lines', async () => {
    for (const socket of await halfOpen(200)) {
      socket.end('this is not TLS');
    }
    await untilTrue(() => fixture.log().includes('no TLS 1.3'));
    expect(fixture.log().split('\n').length).toBeLessThan(20);
  });
});
