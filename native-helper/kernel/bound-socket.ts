/** A port of this machine, taken without serving it. */
import { closeSync } from 'node:fs';
import { checked, declare, once } from './library.ts';

/** <sys/socket.h>; the same on x86-64 and arm64. */
const AF_INET = 2;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;

const native = once(() => ({
  socket: declare<(domain: number, type: number, protocol: number) => number>(
    'int socket(int domain, int type, int protocol)',
  ),
  bind: declare<(fd: number, address: Buffer, length: number) => number>(
    'int bind(int fd, const uint8_t *address, uint32_t length)',
  ),
}));

/**
 * Binds a socket and leaves it at that: as long as a descriptor of it is open, nobody else gets the port.
 *
 * @param address IPv4 as a number; 0 = all of the machine's.
 * @returns a descriptor, which the caller closes.
 * @throws JobletError whose reason is `EADDRINUSE` or `EADDRNOTAVAIL`.
 */
export function bindPort(address: number, port: number, protocol: 'tcp' | 'udp'): number {
  const type = protocol === 'tcp' ? SOCK_STREAM : SOCK_DGRAM;
  const fd = checked(native().socket(AF_INET, type | SOCK_CLOEXEC, 0), 'socket', protocol);
  try {
    // struct sockaddr_in: the family in the machine's order, port and address in the network's.
    const bytes = Buffer.alloc(16);
    bytes.writeUInt16LE(AF_INET, 0);
    bytes.writeUInt16BE(port, 2);
    bytes.writeUInt32BE(address, 4);
    checked(native().bind(fd, bytes, bytes.length), 'bind', `${protocol} port ${port}`);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}
