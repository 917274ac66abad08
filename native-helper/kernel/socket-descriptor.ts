import type { Socket } from 'node:net';

/** The descriptor below a socket of Node's, which has no public name for it; −1 when it is closed. */
export function descriptorOf(socket: Socket): number {
  const { _handle: handle } = socket as Socket & { _handle: { readonly fd: number } | null };
  return handle?.fd ?? -1;
}
