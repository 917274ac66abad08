import { type Cidr, sizeOf } from './cidr.ts';

/** BR_MAX_PORTS of the kernel is 1024, and port 0 is no port. */
const MAX_JOBS = 1023;
/** The network's own address, and the gateway's. */
const RESERVED_FIRST = 2;

/** The addresses of one network. Those that were given back come round last, so that nobody meets another's packets. */
export class AddressPool {
  readonly #cidr: Cidr;
  readonly #taken = new Set<number>();
  #next: number;

  constructor(cidr: Cidr, taken: Iterable<number>) {
    this.#cidr = cidr;
    this.#next = cidr.base + RESERVED_FIRST;
    for (const address of taken) {
      this.#taken.add(address);
      this.#next = Math.max(this.#next, address + 1);
    }
  }

  get taken(): number {
    return this.#taken.size;
  }

  /** How many jobs the network can have. */
  get capacity(): number {
    return Math.min(MAX_JOBS, this.#end - this.#cidr.base - RESERVED_FIRST);
  }

  /** @returns undefined when all are taken. */
  take(): number | undefined {
    if (this.taken >= this.capacity) {
      return undefined;
    }
    while (this.#next >= this.#end || this.#taken.has(this.#next)) {
      this.#next = this.#next >= this.#end ? this.#cidr.base + RESERVED_FIRST : this.#next + 1;
    }
    this.#taken.add(this.#next);
    this.#next += 1;
    return this.#next - 1;
  }

  giveBack(address: number): void {
    this.#taken.delete(address);
  }

  /** The broadcast address is nobody's. */
  get #end(): number {
    return this.#cidr.base + sizeOf(this.#cidr) - 1;
  }
}
