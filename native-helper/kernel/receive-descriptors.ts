import { checked, declare, once } from './library.ts';
import {
  CONTROL_HEADER_BYTES,
  declareSocketMessage,
  MSG_DONTWAIT,
  type SocketMessage,
  socketMessage,
} from './socket-message.ts';

/** <sys/socket.h>; the same on x86-64 and arm64. */
const MSG_CTRUNC = 0x08;
const MSG_TRUNC = 0x20;
const MSG_CMSG_CLOEXEC = 0x4000_0000;
const DESCRIPTOR_BYTES = 4;

const recvmsg = once(() => {
  declareSocketMessage();
  return declare<(fd: number, message: SocketMessage, flags: number) => number>(
    'intptr_t recvmsg(int fd, _Inout_ msghdr *message, int flags)',
  );
});

export interface Received {
  /** Empty when the other side was closed without a message. */
  readonly data: Buffer;
  /** Ours to close. Close-on-exec. */
  readonly descriptors: readonly number[];
}

/**
 * One message that lies ready in a Unix socket, with the descriptors that came along (SCM_RIGHTS): unix(7).
 *
 * @param bytes the longest that it can be, and `descriptors` the most that can come.
 * @throws JobletError when there is none, or more than that.
 */
export function receiveDescriptors(fd: number, bytes: number, descriptors: number): Received {
  const data = Buffer.alloc(bytes);
  const control = Buffer.alloc(CONTROL_HEADER_BYTES + Math.ceil(descriptors / 2) * 2 * DESCRIPTOR_BYTES);
  const message = socketMessage(data, control);
  const length = checked(
    recvmsg()(fd, message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC),
    'recvmsg',
    `descriptor ${fd}`,
  );
  if ((message.flags & (MSG_TRUNC | MSG_CTRUNC)) !== 0) {
    throw new Error('more has come than was to come');
  }
  const end = message.controlLength === 0 ? 0 : Number(control.readBigUInt64LE(0));
  const received: number[] = [];
  for (let at = CONTROL_HEADER_BYTES; at < end; at += DESCRIPTOR_BYTES) {
    received.push(control.readInt32LE(at));
  }
  return { data: data.subarray(0, length), descriptors: received };
}
