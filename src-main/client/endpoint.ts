/** One node as it can be reached: its socket, over TLS 1.3 with both sides' certificates checked. */
import { X509Certificate } from 'node:crypto';
import { connect as connectTls, type PeerCertificate, type TLSSocket } from 'node:tls';
import { nameFault } from '../../native-helper/api/certificates.ts';
import type { ClientNode } from '../../native-helper/api/config-schema.ts';
import type { Paths } from '../../native-helper/api/paths.ts';
import { isInstalled } from './discovery.ts';

/** From the connection to the end of the handshake, ms: a helper that takes longer is stopped, or hangs. */
const HANDSHAKE_MS = 10_000;

export class Endpoint {
  /** The socket's path. */
  readonly socket: string;
  /** Who we are. */
  readonly uid: number;
  readonly #node: ClientNode;
  readonly #paths: Paths;

  constructor(node: ClientNode, paths: Paths, uid: number) {
    this.socket = node.address.slice('unix://'.length);
    this.uid = uid;
    this.#node = node;
    this.#paths = paths;
  }

  isInstalled(): boolean {
    return isInstalled(this.#paths);
  }

  /** Ends with ETIMEDOUT when nobody answers: the kernel itself takes connections for a process that is stopped. */
  open(): TLSSocket {
    const { cert, key, ca } = this.#node;
    const socket = connectTls({
      path: this.socket,
      cert,
      key,
      ca,
      minVersion: 'TLSv1.3',
      ALPNProtocols: ['h2'],
      checkServerIdentity,
      // Else NODE_TLS_REJECT_UNAUTHORIZED in somebody's shell decides.
      rejectUnauthorized: true,
    });
    const giveUp = () => socket.destroy(Object.assign(new Error('no handshake'), { code: 'ETIMEDOUT' }));
    const patience = setTimeout(giveUp, HANDSHAKE_MS).unref();
    const settle = () => clearTimeout(patience);
    return socket.once('secureConnect', settle).once('close', settle);
  }
}

/**
 * By OpenSSL, and so without `servername`: for that, Node first looks whether the name is an IPv6 address, by an expression
 * whose compilation takes 5 ms of each command (`npm run bench -- command`).
 */
function checkServerIdentity(_host: string, { raw }: PeerCertificate): Error | undefined {
  const fault = nameFault(new X509Certificate(raw));
  return fault === undefined
    ? undefined
    : Object.assign(new Error(`the certificate ${fault}`), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
}
