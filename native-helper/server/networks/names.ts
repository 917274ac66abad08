/** What is made in the kernel for a network or a job, and how it is called and addressed: always the same for the same one. */
import { createHash } from 'node:crypto';
import { type Cidr, formatAddress } from './cidr.ts';

/** IFNAMSIZ is 16, with the NUL. */
const DEVICE_NAME_LENGTH = 15;
const TAG_LENGTH = 4;
/** 32 bits. */
const MARK_DIGITS = 8;

/** The names of one helper's interfaces and tables: two helpers with different roots don't get into each other's way. */
export class KernelNames {
  readonly #tag: string;
  readonly table: string;

  /** @param root the folder that everything of the helper lies under. */
  constructor(root: string) {
    this.#tag = digest(root).slice(0, TAG_LENGTH);
    this.table = root === '/' ? 'joblet' : `joblet-${this.#tag}`;
  }

  /** What the names of the hosts' ends of all jobs' interfaces begin with. */
  get devicePrefix(): string {
    return `jv${this.#tag}`;
  }

  get bridgePrefix(): string {
    return `jb${this.#tag}`;
  }

  isBridge(device: string): boolean {
    return device.startsWith(this.bridgePrefix);
  }

  isOurs(device: string): boolean {
    return this.isBridge(device) || device.startsWith(this.devicePrefix);
  }

  /** A hash, since an interface's name has 15 characters and a network's up to 63. */
  bridgeOf(network: string): string {
    return `${this.bridgePrefix}${digest(network)}`.slice(0, DEVICE_NAME_LENGTH);
  }

  deviceOf(uuid: string): string {
    return `${this.devicePrefix}${uuid.replaceAll('-', '')}`.slice(0, DEVICE_NAME_LENGTH);
  }
}

/** What tells a job's connections from those of others that had its address before, and those of its own attempts at others. */
export function markOf(uuid: string, address: number): number {
  return Number.parseInt(digest(`${uuid}\0${address}`).slice(0, MARK_DIGITS), 16);
}

/** Locally administered, and as unique in a network as the address. */
export function macOf(address: number): string {
  return `02:6a:${address
    .toString(16)
    .padStart(8, '0')
    .replaceAll(/(..)(?=.)/g, '$1:')}`;
}

export function gatewayOf({ base }: Cidr): string {
  return formatAddress(base + 1);
}

/** A unique local /64 (RFC 4193), of which the network's birth is the random part. */
export function prefix6Of(network: string, createdUs: number): string {
  const digits = digest(`${network}\0${createdUs}`);
  return `fd${digits.slice(0, 2)}:${digits.slice(2, 6)}:${digits.slice(6, 10)}:${digits.slice(10, 14)}`;
}

/** Its last 32 bits are the IPv4 address. Written as the kernel and `nft` write it. */
export function address6Of(prefix6: string, address: number): string {
  return `${prefix6}::${(address >>> 16).toString(16)}:${(address & 0xffff).toString(16)}`;
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
