import { checked, declare, once } from './library.ts';
import { declareSocketMessage, MSG_DONTWAIT, type SocketMessage, socketMessage } from './socket-message.ts';

/** <bits/socket.h>; the same on x86-64 and arm64. */
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MSG_NOSIGNAL = 0x4000;
/** CMSG_LEN(sizeof(int)) and CMSG_SPACE(sizeof(int)) where a size_t has 8 bytes. */
const ANCILLARY_LENGTH = 20;
const ANCILLARY_SPACE = 24;

const sendmsg = once(() => {
  declareSocketMessage();
  return declare<(socket: number, message: SocketMessage, flags: number) => number>(
    'int64_t sendmsg(int socket, const msghdr *message, int flags)',
  );
});

/**
 * Sends bytes over a connected Unix socket and a descriptor with the first of them (unix(7), SCM_RIGHTS). The receiver has a copy of its
 * own then.
 *
 * @throws JobletError when the socket does not take it at once.
 */
export function passDescriptor(socket: number, bytes: Buffer, descriptor: number): void {
  const control = Buffer.alloc(ANCILLARY_SPACE);
  control.writeBigUInt64LE(BigInt(ANCILLARY_LENGTH), 0);
  control.writeInt32LE(SOL_SOCKET, 8);
  control.writeInt32LE(SCM_RIGHTS, 12);
  control.writeInt32LE(descriptor, 16);
  checked(
    Number(sendmsg()(socket, socketMessage(bytes, control), MSG_DONTWAIT | MSG_NOSIGNAL)),
    'sendmsg SCM_RIGHTS',
    `descriptor ${descriptor}`,
  );
}
