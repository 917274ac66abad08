/** A port of this machine on which everything that knocks is heard, by UDP and by TCP. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';

export class Listeners implements AsyncDisposable {
  /** What came, and from where. */
  readonly heard: string[] = [];
  readonly port: number;
  readonly #tcp: Server;
  readonly #udp: Socket;

  private constructor(tcp: Server, udp: Socket) {
    this.#tcp = tcp;
    this.#udp = udp;
    this.port = udp.address().port;
    tcp.on('connection', (socket) => {
      this.heard.push(`TCP from ${socket.remoteAddress}`);
      socket.destroy();
    });
    udp.on('message', (_message, { address }) => this.heard.push(`UDP from ${address}`));
  }

  static async open(): Promise<Listeners> {
    const tcp = createServer().listen(0, '0.0.0.0');
    await once(tcp, 'listening');
    const udp = createSocket('udp4').bind((tcp.address() as { port: number }).port, '0.0.0.0');
    await once(udp, 'listening');
    return new Listeners(tcp, udp);
  }

  /** All of them: what is forbidden on one way may go by another. */
  get addresses(): string[] {
    return Object.values(networkInterfaces())
      .flat()
      .filter((each) => each?.family === 'IPv4')
      .map((each) => `${each?.address}:${this.port}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#udp.close();
    this.#tcp.close();
    await once(this.#tcp, 'close');
  }
}
