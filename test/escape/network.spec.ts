import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { describe } from 'vitest';
import { cannotEscape } from './escape.ts';
import { lacksPorts, lacksScopes } from './kernel.ts';

/** A program of the host that listens. */
class Listener implements Disposable {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async on(place: { path: string } | { host: string; port: number }): Promise<Listener> {
    const server = createServer((socket) => socket.on('error', () => {}).end());
    server.listen(place);
    await once(server, 'listening');
    return new Listener(server);
  }

  get port(): string {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? String(address.port) : '';
  }

  [Symbol.dispose](): void {
    this.#server.close();
  }
}

const LOOPBACK = { host: '127.0.0.1', port: 0 };

cannotEscape('reaches no abstract socket of the desktop, such as the X server (CVE-2020-15257)', {
  layer: 'landlock-scopes',
  lacks: lacksScopes,
  attempt: async (jobs) => {
    const name = `joblet-escape-${crypto.randomUUID()}`;
    using _ = await Listener.on({ path: `\0${name}` });
    return await jobs.probe(['network.abstract', name]);
  },
});

cannotEscape('changes no address, not even of its own network', {
  layer: 'capabilities',
  attempt: (jobs) => jobs.probe(['network.add-address'], { spec: { network: 'none' } }),
});

cannotEscape('connects to no TCP port but those that it was given', {
  layer: 'landlock-ports',
  lacks: lacksPorts,
  attempt: async (jobs) => {
    using listener = await Listener.on(LOOPBACK);
    const spec = { tcpPorts: { connect: '1' } };
    return await jobs.probe(['network.connect', '127.0.0.1', listener.port], { spec });
  },
});

describe.each([0, 2, 3])('at level %i', (seccompLevel) => {
  for (const way of ['network.connect-by-mptcp', 'network.connect-by-sending']) {
    cannotEscape(`connects to no other TCP port by a way that Landlock is not asked on (${way})`, {
      layer: 'seccomp',
      lacks: lacksPorts,
      attempt: async (jobs) => {
        using listener = await Listener.on(LOOPBACK);
        const spec = { tcpPorts: { connect: '1' }, seccompLevel };
        return await jobs.probe([way, '127.0.0.1', listener.port], { spec });
      },
    });
  }
});

cannotEscape('listens on no TCP port but those that it was given', {
  layer: 'landlock-ports',
  lacks: lacksPorts,
  attempt: async (jobs) => {
    using listener = await Listener.on(LOOPBACK);
    const { port } = listener;
    listener[Symbol.dispose](); // it was free a moment ago
    return await jobs.probe(['network.bind', port], { spec: { tcpPorts: { bind: '1' } } });
  },
});

cannotEscape('without a network reaches no port of the host', {
  layer: 'network',
  attempt: async (jobs) => {
    using listener = await Listener.on(LOOPBACK);
    return await jobs.probe(['network.connect', '127.0.0.1', listener.port], { spec: { network: 'none' } });
  },
});

cannotEscape('without a network reaches no abstract socket of the host', {
  layer: 'network',
  attempt: async (jobs) => {
    const name = `joblet-escape-${crypto.randomUUID()}`;
    using _ = await Listener.on({ path: `\0${name}` });
    return await jobs.probe(['network.abstract', name], { spec: { network: 'none' } });
  },
});
