/**
 * The one way in. A connection passes three doors before a request of it is read: its uid (SO_PEERCRED) is allowed and
 * there is room; TLS 1.3 with a certificate of our authority; that certificate was made for that very uid.
 */
import { constants } from 'node:crypto';
import {
  createServer as createHttp2Server,
  type Http2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
  constants as http2,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import { createServer as createNetServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket, type Server as TlsServer } from 'node:tls';
import { Code, ConnectError, type ConnectRouter, createContextValues } from '@connectrpc/connect';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import { uidOfCertificate } from '../../api/certificates.ts';
import type { ServerConfig } from '../../api/config-schema.ts';
import { causeOf } from '../../api/errors.ts';
import { FileService, JobService } from '../../api/gen/joblet_pb.js';
import { peerCredentialsOf, peerGroupsOf } from '../../kernel/peer-credentials.ts';
import { descriptorOf } from '../../kernel/socket-descriptor.ts';
import { type Logger, RateLimitedWarning } from '../log.ts';
import type { Caller } from '../mounts/caller.ts';
import { Admission } from './admission.ts';
import { encodeAlert, type RefusalAlert } from './alert.ts';
import { callerKey } from './caller.ts';
import { HeldBytes } from './held-bytes.ts';
import { mapErrors, refuseUnknownFields } from './interceptors.ts';
import { listenOn } from './socket.ts';

/** For the handshake of TLS, and again for that of HTTP/2: its preface and settings (RFC 9113 3.4). */
const HANDSHAKE_TIMEOUT_MS = 5000;
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;
/**
 * Of requests that have not ended and answers that are not read yet, all connections together: far more than clients
 * that read what they asked for come to.
 */
const MAX_HELD_BYTES = 128 * 1024 * 1024;
/** Streams of one connection at one time: an app that follows the logs of many jobs. */
const MAX_STREAMS = 256;
/**
 * What Node counts of a connection, in MB: in effect without a bound, as it never takes off what a cancelled stream had not sent yet
 * (24.21.0), so that any bound ends a connection that has cancelled often enough. HeldBytes bounds what is really held.
 */
const MAX_COUNTED_MB = 100_000;
/** The paths of calls whose requests have no end of their own. */
const STREAMED: ReadonlySet<string> = new Set(
  [JobService, FileService].flatMap(({ typeName, methods }) =>
    methods
      .filter(({ methodKind }) => methodKind === 'bidi_streaming' || methodKind === 'client_streaming')
      .map(({ name }) => `/${typeName}/${name}`),
  ),
);
/** How long calls may go on after the helper was told to end. */
const DRAIN_MS = 2000;
/** Between two looks whether the end of an answer has been sent. */
const SENDING_LOOK_MS = 10;

export interface TransportOptions {
  readonly limits: ServerConfig['connections'];
  readonly security: ServerConfig['security'];
  readonly isAllowed: (uid: number) => boolean;
  readonly routes: (router: ConnectRouter) => void;
  readonly logger: Logger;
}

export class TransportServer {
  readonly #isAllowed: (uid: number) => boolean;
  readonly #logger: Logger;
  readonly #warnings: RateLimitedWarning;
  readonly #admission: Admission<Socket>;
  readonly #heldBytes: HeldBytes;
  readonly #net: Server;
  readonly #tls: TlsServer;
  readonly #http2: Http2Server;
  /** By descriptor: what a TLS socket and the connection below it have in common. */
  readonly #connections = new Map<number, Socket>();
  readonly #callers = new Map<ServerHttp2Session, Caller>();
  readonly #ending = new AbortController();

  constructor(options: TransportOptions) {
    const { limits, logger } = options;
    this.#isAllowed = options.isAllowed;
    this.#logger = logger;
    this.#warnings = new RateLimitedWarning(logger);
    this.#admission = new Admission({ total: limits.total, perUid: limits.per_uid });
    this.#heldBytes = new HeldBytes({
      maximum: MAX_HELD_BYTES,
      isStream: (path) => STREAMED.has(path),
      onTooMany: (session, bytes) => {
        const uid = this.#callers.get(session)?.uid;
        this.#warnings.warn('ended the connection that made the helper hold the most', { uid, bytes });
        session.destroy();
      },
    });
    this.#net = createNetServer((connection) => this.#onConnection(connection));
    this.#tls = createTlsServer({
      ...secureContextOf(options.security),
      requestCert: true,
      rejectUnauthorized: true,
      ALPNProtocols: ['h2'],
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    });
    this.#tls.on('secureConnection', (socket) => this.#onSecureConnection(socket));
    this.#tls.on('tlsClientError', (error, socket) => {
      this.#warnings.warn('refused: no TLS 1.3 with a certificate of our authority', {
        reason: causeOf(error),
      });
      socket.destroy();
    });
    this.#http2 = createHttp2Server({
      maxSessionMemory: MAX_COUNTED_MB,
      settings: { maxConcurrentStreams: MAX_STREAMS, enablePush: false },
    });
    this.#http2.on('request', this.#createHandler(options));
    this.#http2.on('session', (session) => this.#onSession(session));
    this.#http2.on('sessionError', (error) => {
      logger.debug({ reason: causeOf(error) }, 'a connection ended in the middle');
    });
  }

  /** @throws JobletError when the socket's path is taken. */
  async listen(path: string): Promise<void> {
    await listenOn(this.#net, path);
    this.#net.on('error', (error) => this.#logger.error({ err: error }, 'the socket failed'));
  }

  /** New connections get the new certificates; those that stand go on. */
  replaceCertificates(security: ServerConfig['security']): void {
    this.#tls.setSecureContext(secureContextOf(security));
  }

  /** Takes no new connection, ends streams, and lets calls that run finish for a moment. */
  async close(): Promise<void> {
    this.#net.close();
    this.#ending.abort(new ConnectError('the helper is ending; running jobs go on', Code.Unavailable));
    const closed = [...this.#callers.keys()].map(
      (session) => new Promise<void>((resolve) => session.close(resolve)),
    );
    const deadline = new Promise<void>((resolve) => setTimeout(resolve, DRAIN_MS).unref());
    await Promise.race([Promise.all(closed), deadline]);
    for (const connection of this.#connections.values()) {
      connection.destroy();
    }
  }

  #createHandler({ routes, logger }: TransportOptions) {
    const handle = connectNodeAdapter({
      routes,
      interceptors: [mapErrors(logger), refuseUnknownFields],
      grpcWeb: false,
      connect: false,
      // The bytes stay on this machine; and what is not decompressed can't be a bomb.
      acceptCompression: [],
      // As refuseUnknownFields does for the binary format, where the library keeps them.
      jsonOptions: { ignoreUnknownFields: false },
      readMaxBytes: MAX_MESSAGE_BYTES,
      shutdownSignal: this.#ending.signal,
      contextValues: (request) =>
        createContextValues().set(callerKey, this.#callerOf(request as Http2ServerRequest)),
    });
    return (request: Http2ServerRequest, response: Http2ServerResponse): void => {
      this.#heldBytes.begin(request, () => {
        try {
          handle(request, response);
        } catch (error) {
          // Of a request that names no address, such as `:authority: [x`, the library throws what nobody would catch.
          logger.debug({ err: error }, 'refused a request that is none');
          request.stream.close(http2.NGHTTP2_PROTOCOL_ERROR);
        }
      });
      // RFC 9113 8.1: who has been answered before all of its request was read need not send the rest; without this
      // the stream would stay until it does.
      request.stream.once('wantTrailers', () => {
        if (!request.stream.readableEnded) {
          setImmediate(() => closeWhenSent(request.stream));
        }
      });
    };
  }

  #onConnection(connection: Socket): void {
    const fd = descriptorOf(connection);
    const { uid, pid } = peerCredentialsOf(fd);
    connection.on('error', () => {});
    if (!this.#isAllowed(uid)) {
      this.#refuse(connection, 'notAllowed', 'refused: this uid is not allowed', { uid, pid });
      return;
    }
    const decision = this.#admission.admit(connection, uid);
    if (!decision.admitted) {
      this.#refuse(connection, 'tooMany', 'refused: too many connections', { uid, pid });
      return;
    }
    if (decision.dropped !== undefined) {
      this.#warnings.warn('dropped the oldest connection that had not finished its handshake', { uid });
      decision.dropped.destroy();
    }
    this.#connections.set(fd, connection);
    connection.once('close', () => {
      this.#admission.release(connection);
      if (this.#connections.get(fd) === connection) {
        this.#connections.delete(fd);
      }
    });
    this.#tls.emit('connection', connection);
  }

  #onSecureConnection(socket: TLSSocket): void {
    const fd = descriptorOf(socket);
    const { uid } = peerCredentialsOf(fd);
    const certificate = socket.getPeerX509Certificate();
    const certified = certificate && uidOfCertificate(certificate);
    const connection = this.#connections.get(fd);
    if (certified !== uid || connection === undefined) {
      this.#warnings.warn('refused: the certificate was made for another uid', { uid, certified });
      socket.destroy();
      return;
    }
    this.#http2.emit('connection', socket);
  }

  #onSession(session: ServerHttp2Session): void {
    const fd = descriptorOf(session.socket);
    const { uid, gid } = peerCredentialsOf(fd);
    this.#callers.set(session, { uid, gid, groups: peerGroupsOf(fd) });
    session.once('close', () => this.#callers.delete(session));
    this.#expectSettings(session, this.#connections.get(fd));
  }

  /** Until they have come, the connection is as good as one that has not finished its handshake of TLS. */
  #expectSettings(session: ServerHttp2Session, connection: Socket | undefined): void {
    const patience = setTimeout(() => {
      this.#warnings.warn('ended a connection that does not speak HTTP/2', {
        uid: this.#callers.get(session)?.uid,
      });
      session.destroy();
    }, HANDSHAKE_TIMEOUT_MS).unref();
    session.once('close', () => clearTimeout(patience));
    session.once('remoteSettings', () => {
      clearTimeout(patience);
      if (connection !== undefined) {
        this.#admission.establish(connection);
      }
    });
  }

  #callerOf({ stream }: Http2ServerRequest): Caller | undefined {
    return this.#callers.get(stream.session as ServerHttp2Session);
  }

  #refuse(connection: Socket, alert: RefusalAlert, message: string, details: object): void {
    this.#warnings.warn(message, details);
    connection.end(encodeAlert(alert), () => connection.destroy());
  }
}

/** A stream that is reset takes along the trailers that wait for what the connection is sending. */
function closeWhenSent(stream: ServerHttp2Stream): void {
  if (stream.destroyed) {
    return;
  }
  if (stream.state.localClose === 1) {
    stream.destroy();
  } else {
    setTimeout(closeWhenSent, SENDING_LOOK_MS, stream).unref();
  }
}

function secureContextOf({ certificate, key, ca_certificate }: ServerConfig['security']) {
  return {
    cert: certificate,
    key,
    ca: ca_certificate,
    minVersion: 'TLSv1.3',
    // A resumed session would skip the check of a certificate that was replaced meanwhile.
    secureOptions: constants.SSL_OP_NO_TICKET,
  } as const;
}
