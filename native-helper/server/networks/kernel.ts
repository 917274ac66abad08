/** What of the networks stands in the kernel: bridges, the jobs' interfaces, the packet filter. Made by `ip` and `nft`. */
import { closeSync } from 'node:fs';
import type { ServerConfig } from '../../api/config-schema.ts';
import { JobletError } from '../../api/errors.ts';
import type { PublishedPort } from '../../api/networks.ts';
import { inNetwork, openOwnNetwork } from '../../kernel/network-namespace.ts';
import type { Logger } from '../log.ts';
import { type Cidr, formatAddress, formatCidr, overlap } from './cidr.ts';
import { FilterWatch } from './filter-watch.ts';
import * as host from './host.ts';
import { address6Of, gatewayOf, type KernelNames, macOf, markOf, prefix6Of } from './names.ts';
import type { NetworkRecord } from './network-store.ts';
import { forwardBlocks, mendOf } from './other-firewalls.ts';
import { findProgram, networkError, type ProgramName, runProgram } from './programs.ts';
import { type Filter, rulesetOf } from './ruleset.ts';

/** A job that has addresses. */
export interface AttachedJob {
  readonly uuid: string;
  readonly network: NetworkRecord;
  readonly address: number;
  readonly hostname: string;
  readonly ports: readonly PublishedPort[];
}

export interface KernelOptions {
  readonly names: KernelNames;
  readonly config: ServerConfig['networks'];
  /** All jobs that have addresses now. */
  readonly jobs: () => readonly AttachedJob[];
  /** IPv4 addresses of the jobs' name servers. */
  readonly resolvers: () => readonly string[];
  readonly executorFd: number;
  readonly logger: Logger;
}

export class NetworkKernel implements Disposable {
  readonly #options: KernelOptions;
  /** Bridges that are known to be there. */
  readonly #bridges = new Set<string>();
  /** Whether the filter may hold something of ours. */
  #hasFilter = false;
  /** Whether the table that counts connections is known to be there. */
  #hasLimits = false;
  #last: Promise<unknown> = Promise.resolve();
  /** A change of the filter that waits for its turn: it will see all that is asked for until then. */
  #waiting: Promise<void> | undefined;
  readonly #watch: FilterWatch;

  constructor(options: KernelOptions) {
    this.#options = options;
    this.#watch = new FilterWatch({
      executorFd: options.executorFd,
      prefix: options.names.table,
      restore: () => {
        this.#hasLimits = false;
        return this.#applyFilter();
      },
      logger: options.logger,
    });
  }

  /** The filter stays, and the next helper watches it. */
  [Symbol.dispose](): void {
    this.#watch[Symbol.dispose]();
  }

  /** @throws JobletError (refused) when it isn't there. */
  program(name: ProgramName): string {
    return findProgram(name, this.#options.config);
  }

  /** One after another: what makes bridges and filters must not come between another's steps. */
  alone<T>(action: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(action, action);
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  /** @throws JobletError (refused) when the host itself uses a part of the range. */
  async refuseHostOverlap({ name, cidr }: NetworkRecord): Promise<void> {
    const user = (await this.#foreignRanges(name)).find((range) => overlap(range.cidr, cidr));
    if (user !== undefined) {
      throw networkError(
        'use',
        formatCidr(cidr),
        `overlaps with ${formatCidr(user.cidr)}, which this machine reaches by ${user.device}`,
        'Make a network with another range: joblet network create NAME --cidr RANGE',
      );
    }
  }

  /** @throws JobletError (refused) when the host uses them all. */
  async firstUnused(ranges: readonly Cidr[]): Promise<Cidr> {
    const used = await this.#foreignRanges('');
    const found = ranges.find((range) => !used.some(({ cidr }) => overlap(cidr, range)));
    if (found === undefined) {
      throw networkError(
        'choose',
        'range',
        'this machine uses a part of each of the usual ranges',
        'Make a network with a range that is free: joblet network create NAME --cidr RANGE',
      );
    }
    return found;
  }

  /**
   * Gives a namespace its interface, and lets it through the filter first.
   *
   * @throws JobletError (refused) with the words of the program that failed; `detach` takes away what there is by then.
   */
  async attach(job: AttachedJob, namespaceFd: number): Promise<void> {
    await this.alone(() => this.#ensureBridge(job.network));
    await this.#applyFilter();
    const bridge = this.#options.names.bridgeOf(job.network.name);
    if (job.ports.some(({ address }) => address === '0.0.0.0' || address.startsWith('127.'))) {
      host.writeSetting(`net.ipv4.conf.${bridge}.route_localnet`, '1');
    }
    inNetwork(namespaceFd, () => settle(host.hasIpv6()));
    const here = openOwnNetwork();
    try {
      await this.#ip(this.#linesInside(job, `/proc/${process.pid}/fd/${here}`), namespaceFd);
    } finally {
      closeSync(here);
    }
    await this.#ip(this.#linesOutside(job, bridge));
  }

  /** Takes away the parts of jobs, and the bridges that no other job needs. They aren't among `jobs` any more. */
  async detach(gone: readonly AttachedJob[]): Promise<void> {
    const { names, jobs } = this.#options;
    if (this.#hasFilter) {
      await this.#applyFilter();
    }
    await this.alone(async () => {
      const used = new Set(jobs().map(({ network }) => names.bridgeOf(network.name)));
      const touched = new Set(gone.map(({ network }) => names.bridgeOf(network.name)));
      const bridges = [...touched].filter((bridge) => !used.has(bridge));
      // The kernel removes the job's own interface with its namespace, at a time of its own.
      await this.#remove([...gone.map(({ uuid }) => names.deviceOf(uuid)), ...bridges]);
      for (const bridge of bridges) {
        this.#bridges.delete(bridge);
      }
    });
  }

  /** Makes everything as `jobs` says it is, whatever the helper before has left. */
  async restore(): Promise<void> {
    const { names, jobs } = this.#options;
    this.#hasFilter = true;
    await this.alone(async () => {
      const used = new Set(
        jobs().flatMap(({ uuid, network }) => [names.deviceOf(uuid), names.bridgeOf(network.name)]),
      );
      const ours = (await host.devices(this.program('ip'))).filter((device) => names.isOurs(device));
      await this.#remove(ours.filter((device) => !used.has(device)));
      for (const device of ours.filter((each) => used.has(each) && names.isBridge(each))) {
        this.#bridges.add(device);
      }
    });
    await this.#applyFilter();
  }

  async #foreignRanges(network: string): Promise<host.HostRange[]> {
    const own = this.#options.names.bridgeOf(network);
    return (await host.ranges(this.program('ip'))).filter(({ device }) => device !== own);
  }

  async #ensureBridge(network: NetworkRecord): Promise<void> {
    const { names } = this.#options;
    const bridge = names.bridgeOf(network.name);
    if (this.#bridges.has(bridge)) {
      return;
    }
    await this.refuseHostOverlap(network);
    try {
      await this.#makeBridge(bridge, network);
      await this.#refuseForwardBlock(bridge);
      this.#bridges.add(bridge);
    } catch (error) {
      await this.#remove([bridge]);
      throw error;
    }
  }

  async #makeBridge(bridge: string, { name, cidr, createdUs }: NetworkRecord): Promise<void> {
    const isIpv6 = host.hasIpv6();
    await this.#remove([bridge]); // left by a helper that was killed in between
    await this.#ip([
      `link add name ${bridge} address ${macOf(cidr.base + 1)} type bridge stp_state 0 forward_delay 0 mcast_snooping 0`,
      `addr add ${gatewayOf(cidr)}/${cidr.length} dev ${bridge}`,
      ...(isIpv6
        ? [
            `link set dev ${bridge} addrgenmode none`,
            `addr add ${prefix6Of(name, createdUs)}::1/64 dev ${bridge} nodad`,
            // Who has the address of a packet that is passed on, the kernel asks from a link-local address or not at all (ndisc_send_ns).
            `addr add fe80::1/64 dev ${bridge} nodad`,
          ]
        : []),
      `link set dev ${bridge} up`,
    ]);
    // It answers for its own address alone, believes no router, and takes no source that isn't behind it.
    for (const [setting, value] of [
      ['arp_ignore', '1'],
      ['accept_redirects', '0'],
      ['send_redirects', '0'],
      ['rp_filter', '1'],
    ] as const) {
      host.writeSetting(`net.ipv4.conf.${bridge}.${setting}`, value);
    }
    if (isIpv6) {
      host.writeSetting(`net.ipv6.conf.${bridge}.accept_ra`, '0');
    }
    if (!host.forwardsIpv4()) {
      host.writeSetting('net.ipv4.ip_forward', '1');
    }
  }

  /** Better no job than one that waits for answers which never come. */
  async #refuseForwardBlock(bridge: string): Promise<void> {
    const { names } = this.#options;
    const [block] = await forwardBlocks(this.program('nft'), names.table, names.bridgePrefix);
    if (block !== undefined) {
      throw networkError(
        'forward',
        block.chain,
        `the firewall of this machine (${block.owner}) lets nothing be forwarded, so that a job would not reach the outside`,
        `Make an exception: ${mendOf(block, bridge)}`,
      );
    }
  }

  /** Callers that come before its turn share one. */
  #applyFilter(): Promise<void> {
    this.#waiting ??= this.alone(async () => {
      this.#waiting = undefined;
      const had = this.#hasFilter;
      this.#hasFilter = true;
      try {
        await this.#replaceFilter();
      } catch (error) {
        // All of a change or nothing of it, nft(8); where it can't be had at all, there is nothing to take away either.
        this.#hasFilter = had || !(error instanceof JobletError && error.kind === 'refused');
        throw error;
      }
    });
    return this.#waiting;
  }

  async #replaceFilter(): Promise<void> {
    const filter = this.#filter();
    this.#hasLimits = false;
    const isWatched = filter.networks.length > 0;
    if (isWatched) {
      await this.#watch.start();
    } else {
      this.#watch[Symbol.dispose]();
    }
    await runProgram(this.program('nft'), {
      argv: ['-j', '-f', '/dev/stdin'],
      input: JSON.stringify(rulesetOf(filter)),
    });
    this.#hasLimits = isWatched;
  }

  #filter(): Filter {
    const { names, jobs, resolvers } = this.#options;
    const networks = new Map(jobs().map(({ network }) => [network.name, network]));
    return {
      table: names.table,
      hasLimits: this.#hasLimits,
      bridgePrefix: names.bridgePrefix,
      devicePrefix: names.devicePrefix,
      networks: [...networks.values()].map(({ name, cidr, createdUs }) => ({
        bridge: names.bridgeOf(name),
        cidr,
        prefix6: prefix6Of(name, createdUs),
        isIsolated: name === 'isolated',
      })),
      links: jobs().map(({ uuid, network, address, ports }) => ({
        device: names.deviceOf(uuid),
        mac: macOf(address),
        address: formatAddress(address),
        address6: address6Of(prefix6Of(network.name, network.createdUs), address),
        mark: markOf(uuid, address),
        ports,
      })),
      resolvers: resolvers(),
    };
  }

  #linesInside({ uuid, network, address }: AttachedJob, here: string): string[] {
    const { cidr } = network;
    const prefix6 = prefix6Of(network.name, network.createdUs);
    const isAlone = network.name === 'isolated';
    const peer = this.#options.names.deviceOf(uuid);
    return [
      `link add name eth0 address ${macOf(address)} type veth peer name ${peer} netns ${here}`,
      // Where it may talk to nobody, it sends everything to the gateway, which answers at once.
      `addr add ${formatAddress(address)}/${isAlone ? 32 : cidr.length} dev eth0`,
      ...(host.hasIpv6()
        ? [
            'link set dev eth0 addrgenmode none',
            `addr add ${address6Of(prefix6, address)}/${isAlone ? 128 : 64} dev eth0 nodad`,
          ]
        : []),
      'link set dev lo up',
      'link set dev eth0 up',
      `route add default via ${gatewayOf(cidr)} dev eth0 onlink`,
      ...(host.forwardsIpv6() ? [`route add default via ${prefix6}::1 dev eth0 onlink`] : []),
    ];
  }

  #linesOutside({ uuid, network, address }: AttachedJob, bridge: string): string[] {
    const device = this.#options.names.deviceOf(uuid);
    return [
      // What came for the address' last holder waits with the kernel until somebody answers for it (arp(7)), beyond the filter.
      `neigh flush dev ${bridge} to ${formatAddress(address)}`,
      ...(host.hasIpv6()
        ? [`neigh flush dev ${bridge} to ${address6Of(prefix6Of(network.name, network.createdUs), address)}`]
        : []),
      ...(host.hasIpv6() ? [`link set dev ${device} addrgenmode none`] : []),
      `link set dev ${device} master ${bridge}`,
      `link set dev ${device} type bridge_slave isolated ${network.name === 'isolated' ? 'on' : 'off'}`,
      `link set dev ${device} up`,
    ];
  }

  async #ip(lines: readonly string[], network?: number): Promise<void> {
    await runProgram(this.program('ip'), {
      argv: ['-batch', '/dev/stdin'],
      input: lines.map((line) => `${line}\n`).join(''),
      ...(network === undefined ? {} : { network }),
    });
  }

  /** Interfaces that may not be there. */
  async #remove(devices: readonly string[]): Promise<void> {
    if (devices.length === 0) {
      return;
    }
    const ip = this.program('ip');
    const input = devices.map((device) => `link delete dev ${device}\n`).join('');
    try {
      await runProgram(ip, { argv: ['-force', '-batch', '/dev/stdin'], input });
    } catch (error) {
      const left = new Set(await host.devices(ip));
      if (devices.some((device) => left.has(device)) || !(error instanceof JobletError)) {
        throw error;
      }
    }
  }
}

/**
 * Settings of a job's own network, before it has an interface: it believes no router, and its user may take any port and ping, for
 * which a program else needs a capability that no job has.
 */
function settle(isIpv6: boolean): void {
  for (const group of ['all', 'default']) {
    host.writeSetting(`net.ipv4.conf.${group}.accept_redirects`, '0');
  }
  host.writeSetting(host.UNPRIVILEGED_PORT_START, '0');
  host.writeSetting('net.ipv4.ping_group_range', '0 2147483647');
  if (isIpv6) {
    host.writeSetting('net.ipv6.conf.default.accept_ra', '0');
    host.writeSetting('net.ipv6.conf.default.accept_redirects', '0');
  }
}
