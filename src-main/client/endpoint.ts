/** One node as it can be reached: its socket, over TLS 1.3 with both sides' certificates checked. */
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { SERVER_NAME } from '../../native-helper/api/certificates.ts';
import type { ClientNode } from '../../native-helper/api/config-schema.ts';
import type { Paths } from '../../native-helper/api/paths.ts';
import { isInstalled } from './discovery.ts';

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

  open(): TLSSocket {
    const { cert, key, ca } = this.#node;
    return connectTls({
      path: this.socket,
      servername: SERVER_NAME,
      cert,
      key,
      ca,
      minVersion: 'TLSv1.3',
      ALPNProtocols: ['h2'],
    });
  }
}
