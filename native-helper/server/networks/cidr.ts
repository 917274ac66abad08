/** IPv4 ranges as numbers: `10.88.0.0/22`. */

export interface Cidr {
  /** The first address, as a number. */
  readonly base: number;
  /** 0 … 32 */
  readonly length: number;
}

const OCTET = String.raw`(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)`;
const ADDRESS = new RegExp(`^${OCTET}\\.${OCTET}\\.${OCTET}\\.${OCTET}$`);

/** @returns undefined when the text is no address in the usual four decimal parts. */
export function parseAddress(text: string): number | undefined {
  const match = ADDRESS.exec(text);
  return match === null ? undefined : match.slice(1).reduce((sum, octet) => sum * 256 + Number(octet), 0);
}

export function formatAddress(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff).join('.');
}

/** @returns undefined when the text is no range, or has bits behind its length. */
export function parseCidr(text: string): Cidr | undefined {
  const [address = '', length = '', ...rest] = text.split('/');
  const base = parseAddress(address);
  if (base === undefined || rest.length > 0 || !/^([12]?\d|3[0-2])$/.test(length)) {
    return undefined;
  }
  const cidr = { base, length: Number(length) };
  return base % sizeOf(cidr) === 0 ? cidr : undefined;
}

export function formatCidr({ base, length }: Cidr): string {
  return `${formatAddress(base)}/${length}`;
}

/** How many addresses are in it. */
export function sizeOf({ length }: Cidr): number {
  return 2 ** (32 - length);
}

export function overlap(one: Cidr, other: Cidr): boolean {
  return one.base < other.base + sizeOf(other) && other.base < one.base + sizeOf(one);
}

/** Whether all of one is in the other. */
export function isInside(one: Cidr, other: Cidr): boolean {
  return overlap(one, other) && one.length >= other.length;
}
