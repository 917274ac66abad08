import { checked, declare, declareStruct, once } from './library.ts';

/** <bits/socket.h>; the same on x86-64 and arm64. */
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
/** CMSG_LEN(sizeof(int)) and CMSG_SPACE(sizeof(int)) where a size_t has 8 bytes. */
const ANCILLARY_LENGTH = 20;
const ANCILLARY_SPACE = 24;

interface Message {
  readonly name: null;
  readonly nameLength: number;
  readonly parts: readonly { readonly base: Buffer; readonly length: number }[];
  readonly partCount: number;
  readonly control: Buffer;
  readonly controlLength: number;
  readonly flags: number;
}

const sendmsg = once(() => {
  declareStruct('iovec', { base: 'const uint8_t *', length: 'size_t' });
  declareStruct('msghdr', {
    name: 'void *',
    nameLength: 'uint32_t',
    parts: 'iovec *',
    partCount: 'size_t',
    control: 'const uint8_t *',
    controlLength: 'size_t',
    flags: 'int',
  });
  return declare<(socket: number, message: Message, flags: number) => number>(
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
  const message: Message = {
    name: null,
    nameLength: 0,
    parts: [{ base: bytes, length: bytes.length }],
    partCount: 1,
    control,
    controlLength: control.length,
    flags: 0,
  };
  checked(
    Number(sendmsg()(socket, message, MSG_DONTWAIT | MSG_NOSIGNAL)),
    'sendmsg SCM_RIGHTS',
    `descriptor ${descriptor}`,
  );
}
