import { declareStruct, once } from './library.ts';

/** <bits/socket.h>; the same on x86-64 and arm64. */
export const MSG_DONTWAIT = 0x40;
/** sizeof(struct cmsghdr) where a size_t has 8 bytes: size_t length, int level, int type. */
export const CONTROL_HEADER_BYTES = 16;

/** struct msghdr: one part of bytes, and what comes along (unix(7)). */
export interface SocketMessage {
  readonly name: null;
  readonly nameLength: number;
  readonly parts: readonly { readonly base: Buffer; readonly length: number }[];
  readonly partCount: number;
  readonly control: Buffer;
  controlLength: number;
  flags: number;
}

/** Makes `msghdr` known to prototypes. */
export const declareSocketMessage = once(() => {
  declareStruct('iovec', { base: 'void *', length: 'size_t' });
  declareStruct('msghdr', {
    name: 'void *',
    nameLength: 'uint32_t',
    parts: 'iovec *',
    partCount: 'size_t',
    control: 'void *',
    controlLength: 'size_t',
    flags: 'int',
  });
});

export function socketMessage(bytes: Buffer, control: Buffer): SocketMessage {
  return {
    name: null,
    nameLength: 0,
    parts: [{ base: bytes, length: bytes.length }],
    partCount: 1,
    control,
    controlLength: control.length,
    flags: 0,
  };
}
